"""The step's log: kept on disk up to a limit, and uploaded while it grows."""

from __future__ import annotations

import threading
import time
from typing import IO, Any

from headrace_launcher.transfer import Transfer, TransferError

_TAIL_BYTES = 4000
_LIVE_BYTES = 1 << 20
"""A log is uploaded whole each time; beyond this the pauses grow with it, so that the sum of all
uploads stays in proportion to the log."""


class Log:
    """One step's output, standard output and error together."""

    def __init__(self, plan: dict[str, Any], grant: dict[str, Any], transfer: Transfer) -> None:
        self._plan = plan
        self._grant = grant
        self._file = open(plan["path"], "wb", buffering=0)  # noqa: SIM115  # closed by finish
        self._lock = threading.Lock()
        self._transfer = transfer
        self._uploaded = 0
        self._next = time.monotonic() + plan["flush_seconds"]
        self._last = b""
        self.bytes = 0
        self.dropped = 0

    def copy(self, stream: IO[bytes]) -> None:
        """Read `stream` to its end; what is beyond the limit is counted and dropped."""
        while chunk := stream.read1(65536):  # type: ignore[attr-defined]
            with self._lock:
                kept = self._write(chunk[: max(0, self._plan["limit_bytes"] - self.bytes)])
                self.dropped += len(chunk) - kept
                self._last = (self._last + chunk)[-_TAIL_BYTES:]

    def note(self, text: str) -> None:
        """A line of the launcher's own."""
        with self._lock:
            self._write(f"[headrace] {text}\n".encode())

    def _write(self, data: bytes) -> int:
        """How much of it was written: a full disk must not stop the reading, which the step
        would wait for."""
        try:
            written = self._file.write(data)
        except OSError:
            return 0
        self.bytes += written
        return written

    def flush_if_due(self) -> None:
        """Upload what there is, when it has grown and it is time."""
        now = time.monotonic()
        if now < self._next or self.bytes == self._uploaded:
            return
        growth = max(1.0, self.bytes / _LIVE_BYTES)
        self._next = now + self._plan["flush_seconds"] * growth
        self._uploaded = self.bytes
        try:
            self._transfer.send(self._grant, self._plan["key"], self._plan["path"])
        except TransferError:
            return  # the next one brings it

    def finish(self) -> dict[str, Any]:
        """Upload the whole log, unless it is short and can be told; returns what the manifest says
        of it."""
        with self._lock:
            if self.dropped:
                self._write(f"\n[headrace] log truncated: {self.dropped} bytes dropped\n".encode())
            self._file.close()
        said = {"key": self._plan["key"], "bytes": self.bytes, "truncated": self.dropped > 0}
        text = self._short()
        if text is not None:
            said["text"] = text
        elif self.bytes:
            self._transfer.send(self._grant, self._plan["key"], self._plan["path"])
        return said

    def _short(self) -> str | None:
        """The whole log, if it is short, text, and was never uploaded."""
        if self._uploaded or self.bytes > self._plan.get("inline_bytes", 0):
            return None
        try:
            with open(self._plan["path"], "rb") as file:
                text = file.read(self.bytes).decode()
        except (OSError, UnicodeDecodeError):
            return None
        return None if "\0" in text else text

    def tail(self) -> str:
        """The last few thousand bytes that were said, as text, whether they were kept or not."""
        with self._lock:
            return self._last.decode(errors="replace").strip()
