"""Files that an operator edits while the gateway runs. They are read when they have changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from headrace_runtime.errors import FatalError
from headrace_runtime.logging import get_logger

from headrace_ui_gateway.auth.rules.principals import FileError

T = TypeVar("T")
_Version = tuple[int, int, int]


class WatchedFile(Generic[T]):
    """The parsed content of a file. While the file is invalid, the last valid content stays in
    effect, so that a half-written file or a typo does not lock users out."""

    def __init__(
        self, path: Path | None, parse: Callable[[str, bool], T], default: T, what: str
    ) -> None:
        """`parse` takes the text, and whether it is TOML (else JSON). Without a file the content is
        `default`. `what` names the file in logs and errors.

        Raises:
            FatalError: the file exists and is invalid.
        """
        self._path = path
        self._parse = parse
        self._default = default
        self._content = default
        self._what = what
        self._version: _Version | None = None
        try:
            self._refresh()
        except (FileError, OSError, UnicodeDecodeError) as error:
            raise FatalError(f"the {what} file {path} cannot be read: {error}") from None

    def current(self) -> T:
        """The current content."""
        try:
            self._refresh()
        except (FileError, OSError, UnicodeDecodeError) as error:
            get_logger().error("file_invalid", what=self._what, error=str(error))
        return self._content

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._version, self._content = None, self._default
            return
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        if version == self._version:
            return
        self._version = version  # before parsing: an invalid file is logged once
        self._content = self._parse(self._path.read_text("utf-8"), self._path.suffix == ".toml")
        get_logger().info("file_read", what=self._what)
