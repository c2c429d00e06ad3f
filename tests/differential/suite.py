"""Both suites, compiled by both SDKs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.deployment import ROOT

_PYTHONS = {"kfp": ROOT / ".kfp/bin/python", "headrace": ROOT / ".venv/bin/python"}


def compile_with_both(folder: Path) -> dict[str, Path]:
    """The folders in `folder` of what the SDKs made of the suites, which they do at the same time.

    Raises:
        RuntimeError: an SDK could not even begin; the message has its last words.
    """
    started = {
        sdk: subprocess.Popen(
            [python, "-W", "ignore", "-m", "tests.differential.compile", sdk, folder / sdk],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for sdk, python in _PYTHONS.items()
    }
    for sdk, process in started.items():
        _, errors = process.communicate(timeout=120)
        if process.returncode != 0:
            raise RuntimeError(f"{sdk}: {errors}")
    return {sdk: folder / sdk for sdk in _PYTHONS}
