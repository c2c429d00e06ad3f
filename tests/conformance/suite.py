"""The compiled suite. The packages of the real `kfp` are cached until a file of the suite
changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.deployment import ROOT

_HERE = Path(__file__).parent
_KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"


def compiled_by_headrace() -> tuple[dict[str, str], dict[str, Any]]:
    """The packages and the cases by name, compiled with Headrace's SDK."""
    with tempfile.TemporaryDirectory() as folder:
        _compile(sys.executable, Path(folder), "headrace")
        return _read(Path(folder))


def compiled() -> tuple[dict[str, str], dict[str, Any]]:
    """The packages and the cases by name, compiled with the real `kfp`."""
    sources = sorted([*_HERE.glob("pipelines/**/*.py"), _HERE / "cases.py", _HERE / "compile.py"])
    content = b"".join(path.read_bytes() for path in sources)
    user = os.getuid()
    folder = Path(
        tempfile.gettempdir(), f"headrace-suite-{user}-{sha256(content).hexdigest()[:16]}"
    )
    if not (folder / "cases.json").exists():
        _compile(str(_KFP_PYTHON), folder, "kfp")
    return _read(folder)


def _compile(python: str, folder: Path, sdk: str) -> None:
    command = [python, "-W", "ignore", "-m", "tests.conformance.compile", str(folder), sdk]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)


def _read(folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    cases = json.loads((folder / "cases.json").read_text())
    return {name: (folder / f"{name}.yaml").read_text() for name in cases}, cases
