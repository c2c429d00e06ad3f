"""The step package: the few files of the SDK that a backend puts on each step's ``PYTHONPATH``.

A step sees only these files, never the environment of the deployment that they come from:
`headrace.step` as a whole, `headrace.component` as the entry point, and `headrace.dsl` as an alias
of `headrace.step.dsl`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_SDK = Path(__file__).parent.parent
_ROOT_INIT = "step_package/root_init.py"
_DSL_ALIAS = b"""\
import sys

from headrace.step import dsl

sys.modules[__name__] = dsl
"""


def files() -> dict[str, bytes]:
    """The contents of the package's files, by their paths relative to the `PYTHONPATH` entry."""
    modules = [*sorted((_SDK / "component").glob("*.py")), *sorted((_SDK / "step").glob("*.py"))]
    return {
        "headrace/__init__.py": (_SDK / _ROOT_INIT).read_bytes(),
        "headrace/dsl.py": _DSL_ALIAS,
        **{f"headrace/{path.relative_to(_SDK)}": path.read_bytes() for path in modules},
    }


def digest(package: dict[str, bytes]) -> str:
    """32 hexadecimal digits that identify the contents of a package."""
    total = hashlib.sha256()
    for path, content in sorted(package.items()):
        total.update(f"{path} {len(content)}\n".encode() + content)
    return total.hexdigest()[:32]
