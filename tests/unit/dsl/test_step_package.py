"""The files that backends give to steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from headrace import step_package


def test_the_step_package_is_complete_and_minimal(tmp_path: Path) -> None:
    files = step_package.files()
    assert step_package.digest(files) == step_package.digest(dict(reversed(files.items())))
    assert step_package.digest(files) != step_package.digest({**files, "headrace/dsl.py": b""})
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    code = (
        "import headrace.component.main, headrace.step.executor, sys\n"
        "from headrace import dsl\n"
        "print([n for n in ('typing', 're', 'json', 'inspect', 'logging') if n in sys.modules],"
        "dsl.__all__ == [n for n in dsl.__all__ if hasattr(dsl, n)], headrace.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["[]", "True", f"{tmp_path}/headrace/__init__.py"], done.stderr
