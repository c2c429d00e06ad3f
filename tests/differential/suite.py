"""Compiles both suites with both SDKs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.deployment import ROOT

_PYTHONS = {"kfp": ROOT / ".kfp/bin/python", "headrace": ROOT / ".venv/bin/python"}


def compile_with_both(folder: Path) -> dict[str, Path]:
    """Compile the suites with both SDKs at the same time. Returns the folders of the results, by
    SDK.

    Raises:
        RuntimeError: a compilation failed as a whole; the message has its standard error.
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
        _, errors = process.communicate(timeout=300)
        if process.returncode != 0:
            raise RuntimeError(f"{sdk}: {errors}")
    return {sdk: folder / sdk for sdk in _PYTHONS}
