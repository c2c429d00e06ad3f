"""Importing the SDK loads no heavy module before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("httpx", "click", "rich", "yaml", "pandas", "asyncio", "pydantic")


@pytest.mark.parametrize("module", ["headrace", "headrace.client"])
def test_nothing_heavy_is_imported(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_command_line_starts_without_the_network() -> None:
    code = "import sys, headrace.cli; print([m for m in ('httpx', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
