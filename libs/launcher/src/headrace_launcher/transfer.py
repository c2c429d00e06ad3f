"""Objects over presigned URLs: GET to a file, POST from a file or bytes. Streams large objects, and
retries while the store is unavailable.

Source of the form: Amazon S3, "Browser-based uploads using POST"; the field ``file`` comes last.
"""

from __future__ import annotations

import http.client
import io
import os
import time
import uuid
from typing import Any, BinaryIO
from urllib.parse import urlsplit

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 60
_PAUSES = (0.1, 0.2, 0.5, 1, 2, 4, 8, 15)
"""Pauses before retries; 30 s in all, in which a server restarts."""


class TransferError(Exception):
    """The store refused a request, or was unavailable for all retries."""


class Transfer:
    """Transfers with one connection for each host."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def fetch(self, url: str, path: str) -> None:
        """Write the object at `url` to `path`."""
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise TransferError(
                f"could not create the folder of {path}: {error.strerror}"
            ) from None

        def attempt() -> None:
            with _local(open, path, "wb") as file:
                response = self._request("GET", url, None, {})
                while chunk := response.read(_CHUNK):
                    _local(file.write, chunk)
                if response.length:  # http.client does not report a body that ends too early
                    raise OSError(f"{response.length} bytes are missing")

        self._with_retries(attempt, "fetch", url)

    def send(self, grant: dict[str, Any], key: str, source: str | bytes) -> None:
        """Upload a file (by path) or bytes under `key`."""
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

        self._with_retries(attempt, "upload", key)

    def _with_retries(self, attempt: Any, verb: str, what: str) -> None:
        shown = what.partition("?")[0]  # without the signature
        for wait in (*_PAUSES, None):
            try:
                attempt()
                return
            except _RefusedError as error:
                raise TransferError(f"could not {verb} {shown}: {error}") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if wait is None:
                    raise TransferError(f"could not {verb} {shown}: {error!r}") from None
                time.sleep(wait)

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
        if response.status >= 500 or response.status == 429:
            raise OSError(f"status {response.status}: {answer}")
        raise _RefusedError(f"status {response.status}: {answer}")

    def _connection(self, scheme: str, host: str) -> http.client.HTTPConnection:
        known = self._connections.get((scheme, host))
        if known is None:
            kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            known = kind(host, timeout=_TIMEOUT_SECONDS)
            self._connections[scheme, host] = known
        return known

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


class _RefusedError(Exception):
    """A request that would be refused again."""


def _local(call: Any, *arguments: Any) -> Any:
    """Call something with a local file; its failure is not the store's, and is not retried."""
    try:
        return call(*arguments)
    except OSError as error:
        raise _RefusedError(
            f"{error.strerror or error!r} ({error.filename or 'local file'})"
        ) from None


def _opened(source: str | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def _send_piece(connection: http.client.HTTPConnection, piece: Any) -> None:
    if isinstance(piece, bytes):
        connection.send(piece)
        return
    file, left = piece
    while left:  # exactly the announced length, even if the file grows
        chunk = file.read(min(_CHUNK, left))
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
