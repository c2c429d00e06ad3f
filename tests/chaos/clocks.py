"""Clocks of single services, by libfaketime.

The deployment is started by a Python environment of the harness. It is the tests' environment but
for its ``python``, a script that sets the environment of a service whose clock is shifted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_PYTHON = """#!/bin/bash
for word in "$@"; do
  case "$word" in headrace_*) name="${{word#headrace_}}";; esac
done
if [ -n "$name" ] && [ -e "{clocks}/$name" ]; then
  export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE="{clocks}/$name"
  export FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1
fi
exec -a "{python}" "{real}" "$@"
"""


class Clocks:
    """The shifted clocks of a deployment."""

    def __init__(self, folder: Path) -> None:
        self._shifts = folder / "clocks"
        self._shifts.mkdir()
        self._own = Path(sys.executable).parent
        self._bin = folder / "python" / "bin"
        if self.missing() is None:
            self._make_environment()

    def missing(self) -> str | None:
        """Why clocks cannot be shifted; None if they can."""
        return None if _LIBRARY.exists() else "libfaketime is not installed (apt install faketime)"

    @property
    def headrace(self) -> tuple[str, ...]:
        """The command ``headrace`` of a deployment whose clocks can be shifted."""
        if self.missing() is not None:
            return (str(self._own / "headrace"),)
        return (str(self._bin / "python"), str(self._own / "headrace"))

    def shift(self, service: str, seconds: float) -> None:
        """Shift the clock of a service: from its next start on if it is not shifted yet, otherwise
        within a second."""
        part = self._shifts / f"{service}.part"
        part.write_text(f"{seconds:+.0f}\n")
        part.replace(self._shifts / service)

    def restore(self, service: str) -> None:
        """Start the service with the machine's own clock the next time."""
        (self._shifts / service).unlink(missing_ok=True)

    def _make_environment(self) -> None:
        self._bin.mkdir(parents=True)
        root = self._bin.parent
        (root / "lib").symlink_to(self._own.parent / "lib")
        (root / "pyvenv.cfg").write_text((self._own.parent / "pyvenv.cfg").read_text())
        for program in self._own.iterdir():
            if not program.name.startswith("python"):
                (self._bin / program.name).symlink_to(program)
        python = self._bin / "python"
        python.write_text(
            _PYTHON.format(
                clocks=self._shifts,
                library=_LIBRARY,
                python=python,
                real=os.path.realpath(sys.executable),
            )
        )
        python.chmod(0o755)
