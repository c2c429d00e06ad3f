"""Files that an operator changes while the gateway runs: read anew when they have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from headrace_runtime.errors import FatalError
from headrace_runtime.logging import get_logger

from headrace_ui_gateway.auth.rules.principals import FileError

T = TypeVar("T")
_Mark = tuple[int, int, int]


class WatchedFile(Generic[T]):
    """What a file says. While it cannot be read, what it said before holds: half a file, or a
    typing error, locks nobody out. Without a file, nothing is said."""

    def __init__(
        self, path: Path | None, parse: Callable[[str, bool], T], nothing: T, what: str
    ) -> None:
        """`parse` takes the text, and whether it is TOML (else JSON).

        Raises:
            FatalError: the file is there and cannot be read.
        """
        self._path = path
        self._parse = parse
        self._nothing = nothing
        self._value = nothing
        self._what = what
        self._mark: _Mark | None = None
        try:
            self._look()
        except (FileError, OSError, UnicodeDecodeError) as error:
            raise FatalError(f"the {what} file {path} cannot be read: {error}") from None

    def current(self) -> T:
        """What the file says now."""
        try:
            self._look()
        except (FileError, OSError, UnicodeDecodeError) as error:
            get_logger().error("file_refused", what=self._what, error=str(error))
        return self._value

    def _look(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._mark, self._value = None, self._nothing
            return
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if mark == self._mark:
            return
        self._mark = mark  # a file that cannot be read is told of once
        self._value = self._parse(self._path.read_text("utf-8"), self._path.suffix == ".toml")
        get_logger().info("file_read", what=self._what)
