"""Objects over presigned URLs: GET to a file, POST from a file or bytes. Streams large objects, and
waits for as long as the store is unavailable.

Source of the form: Amazon S3, "Browser-based uploads using POST"; the field ``file`` comes last.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from headrace_launcher.failure import is_shortage
from headrace_launcher.interruption import Interruption

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30.0
"""Without a byte; a store that syncs its disk needs seconds."""
_ONE_TRY_TIMEOUT_SECONDS = 3.0
"""For what must not hold up anything: the log of a running command, and what is left to upload when
the attempt is stopped, since its launcher is killed 5 s after the grace."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 15.0
_SILENT_SECONDS = 1.0
"""A store that is back after this was not worth a word."""
_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
_TRANSIENT_CODES = ("<Code>RequestTimeout</Code>", "<Code>SlowDown</Code>")
"""S3 answers these with a status that otherwise is final."""
_GRANT_STATUSES = frozenset({401, 403})
"""The grant is expired or was made by a wrong clock. Another attempt has another grant."""

Source = str | bytes | BinaryIO
"""What is uploaded: a file by its path, bytes, or an open file."""


class TransferError(Exception):
    """The store refused a request, or a local file cannot be used. With `retryable` the platform is
    the cause."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnavailableError(TransferError):
    """The store was unavailable at a single try."""


def pauses() -> Iterator[float]:
    """Pauses between tries, without end: they grow, and differ between launchers."""
    longest = _FIRST_PAUSE_SECONDS
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311  # spreads requests, hides nothing
        longest = min(_LONGEST_PAUSE_SECONDS, longest * 2)


class Transfer:
    """Transfers with one connection for each host."""

    def __init__(
        self, interruption: Interruption, report_waiting: Callable[[str], None] | None = None
    ) -> None:
        """`report_waiting` is told that the store is waited for, and since when, and then, with an
        empty text, that it is back."""
        self._interruption = interruption
        self._report_waiting = report_waiting or (lambda _: None)
        self._connections: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._timeout = _TIMEOUT_SECONDS

    def fetch(self, url: str, path: str) -> None:
        """Write the object at `url` to `path`; waits for an unavailable store.

        Raises:
            TransferError: the store refused, or the file cannot be written.
            StepError: the attempt has to end.
        """
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            message = f"could not create the folder of {path}: {error.strerror}"
            raise TransferError(message, retryable=is_shortage(error)) from None

        def attempt() -> None:
            with _local(open, path, "wb") as file:
                response = self._request("GET", url, None, {})
                while chunk := response.read(_CHUNK):
                    _local(file.write, chunk)
                if response.length:  # http.client does not report a body that ends too early
                    raise OSError(f"{response.length} bytes are missing")

        self._until_available(attempt, f"could not fetch {_shown(url)}")

    def send(self, grant: dict[str, Any], key: str, source: Source) -> None:
        """Upload `source` under `key`; waits for an unavailable store.

        Raises:
            TransferError: the store refused, or the file cannot be read.
            StepError: the attempt has to end.
        """
        self._until_available(self._upload(grant, key, source), f"could not upload {key}")

    def send_once(self, grant: dict[str, Any], key: str, source: Source) -> None:
        """Upload `source` under `key`, with one try that does not take long.

        Raises:
            UnavailableError: the store is unavailable.
            TransferError: the store refused, or the file cannot be read.
        """
        self._timeout = _ONE_TRY_TIMEOUT_SECONDS
        try:
            self._try(self._upload(grant, key, source), f"could not upload {key}")
        finally:
            self._timeout = _TIMEOUT_SECONDS

    def _upload(self, grant: dict[str, Any], key: str, source: Source) -> Callable[[], None]:
        boundary = uuid.uuid4().hex
        head = _form_head({**grant["fields"], "key": key}, boundary)
        tail = f"\r\n--{boundary}--\r\n".encode()

        def attempt() -> None:
            with _local(_opened, source) as body:
                size = body.seek(0, os.SEEK_END)
                body.seek(0)
                headers = {
                    "Content-Type": f"multipart/form-data; boundary={boundary}",
                    "Content-Length": str(len(head) + size + len(tail)),
                }
                self._request("POST", grant["url"], [head, (body, size), tail], headers).read()

        return attempt

    def _until_available(self, attempt: Callable[[], None], failed: str) -> None:
        began, since = time.monotonic(), datetime.now(timezone.utc)  # noqa: UP017  # any Python 3
        is_reported = False
        for pause in pauses():
            with self._interruption.breaking():
                try:
                    self._try(attempt, failed)
                    break
                except UnavailableError as error:
                    if not is_reported and time.monotonic() - began >= _SILENT_SECONDS:
                        is_reported = True
                        self._report_waiting(
                            f"waiting for the object store since {since:%H:%M:%S} UTC: {error}"
                        )
                time.sleep(pause)
        if is_reported:
            self._report_waiting("")

    def _try(self, attempt: Callable[[], None], failed: str) -> None:
        try:
            attempt()
        except _RefusedError as error:
            self.close()
            raise TransferError(f"{failed}: {error}", retryable=error.retryable) from None
        except http.client.InvalidURL as error:
            raise TransferError(f"{failed}: {error}", retryable=False) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise UnavailableError(f"{failed}: {error!r}", retryable=True) from None
        except BaseException:  # an interruption: the connection is within a request
            self.close()
            raise

    def _request(
        self, method: str, url: str, body: list[Any] | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        connection = self._connection(parts.scheme, parts.netloc)
        connection.putrequest(method, f"{parts.path}?{parts.query}" if parts.query else parts.path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        for piece in body or ():
            _send_piece(connection, piece)
        response = connection.getresponse()
        if response.status < 300:
            return response
        answer = response.read(2000).decode(errors="replace")
        if _is_transient(response.status, answer):
            raise OSError(f"status {response.status}: {answer}")
        message = f"status {response.status}: {answer}"
        raise _RefusedError(message, retryable=response.status in _GRANT_STATUSES)

    def _connection(self, scheme: str, host: str) -> http.client.HTTPConnection:
        known = self._connections.get((scheme, host))
        if known is None:
            kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            known = self._connections[scheme, host] = kind(host)
        known.timeout = self._timeout
        if known.sock is not None:
            known.sock.settimeout(self._timeout)
        return known

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


class _RefusedError(Exception):
    """A request that would be refused again."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


def _is_transient(status: int, answer: str) -> bool:
    """Whether the store may give another answer to the same request."""
    codes = (code for code in _TRANSIENT_CODES if code in answer)
    return status >= 500 or status in _TRANSIENT_STATUSES or any(codes)


def _shown(url: str) -> str:
    """A URL without its signature."""
    return url.partition("?")[0]


def _local(call: Any, *arguments: Any) -> Any:
    """Call something with a local file; its failure is not the store's, and is not retried."""
    try:
        return call(*arguments)
    except OSError as error:
        message = f"{error.strerror or error!r} ({error.filename or 'local file'})"
        raise _RefusedError(message, retryable=is_shortage(error)) from None


def _opened(source: Source) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return open(source, "rb") if isinstance(source, str) else contextlib.nullcontext(source)


def _send_piece(connection: http.client.HTTPConnection, piece: Any) -> None:
    if isinstance(piece, bytes):
        connection.send(piece)
        return
    file, left = piece
    while left:  # exactly the announced length, even if the file grows
        chunk = _local(file.read, min(_CHUNK, left))
        if not chunk:
            raise OSError("the file became shorter while it was uploaded")
        connection.send(chunk)
        left -= len(chunk)


def _form_head(fields: dict[str, str], boundary: str) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="file"; filename="file"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode()
