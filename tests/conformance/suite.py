"""The suite, compiled by the real `kfp`, anew when a file of it has changed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.deployment import ROOT

_HERE = Path(__file__).parent
_KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"


def compiled() -> tuple[dict[str, str], dict[str, Any]]:
    """The packages and the cases by their names."""
    sources = sorted([*_HERE.glob("pipelines/*.py"), _HERE / "cases.py", _HERE / "compile.py"])
    content = b"".join(path.read_bytes() for path in sources)
    user = os.getuid()
    folder = Path(
        tempfile.gettempdir(), f"headrace-suite-{user}-{sha256(content).hexdigest()[:16]}"
    )
    if not (folder / "cases.json").exists():
        command = [str(_KFP_PYTHON), "-W", "ignore", "-m", "tests.conformance.compile", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    cases = json.loads((folder / "cases.json").read_text())
    return {name: (folder / f"{name}.yaml").read_text() for name in cases}, cases
