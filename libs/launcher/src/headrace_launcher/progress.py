"""Tells the executor what the launcher does: in a file, so that an executor that finds the launch
later knows too, with a signal that the file has changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from headrace_launcher.files import write_whole


class Progress:
    """What the launcher does at present. A file that cannot be written costs the executor only
    knowledge, so the step goes on."""

    def __init__(self, path: str | None, changed: Callable[[], None]) -> None:
        """`changed` is called after each change of the file at `path`."""
        self._path = path
        self._changed = changed
        self._command_ended = False
        self._waiting = ""

    def command_ended(self) -> None:
        """Only transfers are left."""
        self._command_ended = True
        self._write()

    def wait_for(self, what: str) -> None:
        """The launch waits for something, or goes on with an empty `what`."""
        if what != self._waiting:
            self._waiting = what
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        state = {"v": 1, "command_ended": self._command_ended, "waiting": self._waiting}
        try:
            write_whole(self._path, json.dumps(state).encode())
        except OSError as error:
            sys.stderr.write(f"cannot write the progress of the launch: {error}\n")
        self._changed()
