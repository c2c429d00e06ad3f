"""What a backend gives every step: the few files of `headrace` that a component needs to run.

A step sees these files alone, never the packages of the deployment that they come from.
"""

from __future__ import annotations

import hashlib
import os

_NOT_CARRIED = ("bootstrap.py", "carried.py", "notebook.py", "step_init.py")
_DSL = b"""\
import sys

from headrace.component import step_dsl

sys.modules[__name__] = step_dsl
"""


def files() -> dict[str, bytes]:
    """The files by their paths below a folder of `PYTHONPATH`."""
    here = os.path.dirname(os.path.abspath(__file__))
    found = {
        f"headrace/component/{name}": _read(os.path.join(here, name))
        for name in sorted(os.listdir(here))
        if name.endswith(".py") and name not in _NOT_CARRIED
    }
    return {
        "headrace/__init__.py": _read(os.path.join(here, "step_init.py")),
        "headrace/dsl.py": _DSL,
        **found,
    }


def digest(carried: dict[str, bytes]) -> str:
    """32 hex digits: the same for the same files."""
    total = hashlib.sha256()
    for path, content in sorted(carried.items()):
        total.update(f"{path} {len(content)}\n".encode() + content)
    return total.hexdigest()[:32]


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
