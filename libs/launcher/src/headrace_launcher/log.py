"""The step's log: written to disk up to a limit, and uploaded while it grows.

It is written and read through open files, so a step that removes its folder keeps its log."""

from __future__ import annotations

import sys
import threading
import time
from typing import IO, Any

from headrace_launcher.failure import StepError
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
        self._reading = open(plan["path"], "rb", buffering=0)  # noqa: SIM115  # closed by finish
        self._lock = threading.Lock()
        self._transfer = transfer
        self._uploaded = 0
        """How many bytes the object has."""
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
        blocked by its output. What comes after the end of the log is dropped too."""
        if self._file.closed:
            return 0
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
        size = self.bytes
        try:
            self._send_once()
        except TransferError:
            return  # the next upload has all of it
        self._uploaded = size

    def is_short(self) -> bool:
        """Whether the log fits into the manifest, and was not uploaded before."""
        return not self._uploaded and self.bytes <= self._plan.get("inline_bytes", 0)

    def finish(self) -> dict[str, Any]:
        """Upload the log, unless it fits into the manifest; returns the manifest entry, which names
        an object only if there is one."""
        with self._lock:
            if self.dropped:
                self._write(f"\n[headrace] log truncated: {self.dropped} bytes dropped\n".encode())
            self._file.close()
        entry = {"key": self._plan["key"], "bytes": self.bytes, "truncated": self.dropped > 0}
        text = self._text() if self.is_short() else None
        failure = self._upload() if text is None else None
        if failure is not None:
            entry["truncated"] = True  # the object, if there is one, has the beginning of it
            text = None if self._uploaded else self._excuse(failure)
        if text is not None:
            entry["text"] = text
        self._reading.close()
        return entry

    def _upload(self) -> str | None:
        """Upload the whole log; returns why that was not possible."""
        try:
            self._transfer.send(self._grant, self._plan["key"], self._reading)
            return None
        except TransferError as error:
            failure = str(error)
        except StepError:  # the attempt has to end: there is time for one try
            try:
                self._send_once()
                return None
            except TransferError as error:
                failure = str(error)
        sys.stderr.write(f"{failure}\n")
        return failure

    def _send_once(self) -> None:
        self._transfer.send_once(self._grant, self._plan["key"], self._reading)

    def _text(self) -> str | None:
        """The whole log as text; None if it is none."""
        try:
            self._reading.seek(0)
            text = self._reading.read(self.bytes).decode()
        except (OSError, UnicodeDecodeError):
            return None
        return None if "\0" in text else text

    def _excuse(self, failure: str) -> str:
        """What is shown in place of a log that could not be uploaded."""
        end = self.tail().replace("\0", "\ufffd")
        return f"[headrace] the log was not uploaded: {failure}\n[headrace] its end:\n{end}\n"

    def tail(self) -> str:
        """The last few thousand bytes of output as text, dropped ones included."""
        with self._lock:
            return self._tail.decode(errors="replace").strip()
