"""The step's log: written to disk up to a limit, and uploaded while it grows."""

from __future__ import annotations

import threading
import time
from typing import IO, Any

from headrace_launcher.transfer import Transfer, TransferError

_TAIL_BYTES = 4000
_LIVE_BYTES = 1 << 20
"""Each upload is the whole log. Beyond this size the pauses grow with the log, so that the sum of
all uploads stays in proportion to it."""


class Log:
    """One step's standard output and error, as one log."""

    def __init__(self, plan: dict[str, Any], grant: dict[str, Any], transfer: Transfer) -> None:
        self._plan = plan
        self._grant = grant
        self._file = open(plan["path"], "wb", buffering=0)  # noqa: SIM115  # closed by finish
        self._lock = threading.Lock()
        self._transfer = transfer
        self._uploaded = 0
        self._next_upload = time.monotonic() + plan["flush_seconds"]
        self._tail = b""
        self.bytes = 0
        self.dropped = 0

    def copy(self, stream: IO[bytes]) -> None:
        """Read `stream` to its end; bytes beyond the limit are counted and dropped."""
        while chunk := stream.read1(65536):  # type: ignore[attr-defined]
            with self._lock:
                written = self._write(chunk[: max(0, self._plan["limit_bytes"] - self.bytes)])
                self.dropped += len(chunk) - written
                self._tail = (self._tail + chunk)[-_TAIL_BYTES:]

    def note(self, text: str) -> None:
        """Write a line of the launcher itself."""
        with self._lock:
            self._write(f"[headrace] {text}\n".encode())

    def _write(self, data: bytes) -> int:
        """The number of bytes written. With a full disk the rest is dropped: the step must not be
        blocked by its output."""
        try:
            written = self._file.write(data)
        except OSError:
            return 0
        self.bytes += written
        return written

    def flush_if_due(self) -> None:
        """Upload the log, if it has grown and an upload is due."""
        now = time.monotonic()
        if now < self._next_upload or self.bytes == self._uploaded:
            return
        growth = max(1.0, self.bytes / _LIVE_BYTES)
        self._next_upload = now + self._plan["flush_seconds"] * growth
        self._uploaded = self.bytes
        try:
            self._transfer.send(self._grant, self._plan["key"], self._plan["path"])
        except TransferError:
            return  # the next upload has all of it

    def finish(self) -> dict[str, Any]:
        """Upload the log, unless it fits into the manifest; returns the manifest entry."""
        with self._lock:
            if self.dropped:
                self._write(f"\n[headrace] log truncated: {self.dropped} bytes dropped\n".encode())
            self._file.close()
        entry = {"key": self._plan["key"], "bytes": self.bytes, "truncated": self.dropped > 0}
        text = self._short()
        if text is not None:
            entry["text"] = text
        elif self.bytes:
            self._transfer.send(self._grant, self._plan["key"], self._plan["path"])
        return entry

    def _short(self) -> str | None:
        """The whole log, if it is short, is text, and was not uploaded before."""
        if self._uploaded or self.bytes > self._plan.get("inline_bytes", 0):
            return None
        try:
            with open(self._plan["path"], "rb") as file:
                text = file.read(self.bytes).decode()
        except (OSError, UnicodeDecodeError):
            return None
        return None if "\0" in text else text

    def tail(self) -> str:
        """The last few thousand bytes of output as text, dropped ones included."""
        with self._lock:
            return self._tail.decode(errors="replace").strip()
