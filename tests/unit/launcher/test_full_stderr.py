"""A disk that has no room for what the launcher says about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.launches import LAUNCHER, Objects, manifest, plan


def test_a_launcher_that_cannot_say_anything_runs_its_step(
    tmp_path: Path, objects: Objects
) -> None:
    launch = plan(tmp_path, objects, ("seq", "3000"))
    unwritable = launch.model_copy(update={"progress_path": "/dev/null/progress.json"})
    path = tmp_path / "launch.json"
    path.write_bytes(unwritable.to_json())
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(path)]
        subprocess.run(command, stderr=full, timeout=120, check=False)
    assert manifest(tmp_path).state == "SUCCEEDED"
