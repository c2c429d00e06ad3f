"""What the blocking and the asyncio client share. Imports httpx only when a client is created."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from headrace.client.discovery import default_data_folder, find_gateway
from headrace.client.errors import ClientError, NoResponseError
from headrace.client.transport.requests import Request
from headrace.client.transport.retries import Patience
from headrace.client.transport.streams import Stream, is_other_server

M = TypeVar("M", bound=Callable[..., Any])
_RETRIED = ("UNAVAILABLE", "TOO_MANY_REQUESTS")
_CONNECT_SECONDS = 3.0


class BaseClient:
    """A client's settings, as operations read them, and its requests in terms of httpx."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        namespace: str | None = None,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: Any = None,
    ) -> None:
        """
        Args:
            url: The gateway's address. Default: ``HEADRACE_HOST``, else the local deployment in
                the data folder (``HEADRACE_DATA`` or its default).
            token: Sent with every request. Default: ``HEADRACE_TOKEN``, else the token that is
                stored for the address. A gateway may need none from programs of its own user on
                its own machine.
            namespace: The namespace in which to create and list. Default: create in ``default``,
                list all that the caller may view.
            timeout: Seconds to wait for a response; connecting may take 3 of them.
            patience: How often a failed request is sent again.
            transport: An httpx transport, for tests.

        Raises:
            ClientError: no address was given and there is no local deployment.
        """
        import httpx

        host = url or os.environ.get("HEADRACE_HOST")
        token = token or os.environ.get("HEADRACE_TOKEN")
        address, token = find_gateway(host, token, default_data_folder())
        self.url = address.rstrip("/")
        self.namespace = namespace
        self.patience = patience or Patience()
        self._timeout = timeout
        self._httpx = httpx
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._open({"trust_env": False, "transport": transport})

    def _open(self, options: dict[str, Any]) -> None:
        """Create httpx's client."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _arguments(self, request: Request, read_timeout: float | None) -> dict[str, Any]:
        """The request as arguments of httpx. `read_timeout` is in seconds; None for no limit."""
        elsewhere = is_other_server(request.path)
        connect = min(_CONNECT_SECONDS, self._timeout)
        return {
            "method": request.method,
            "url": request.path if elsewhere else f"{self.url}/api/v1{request.path}",
            "params": request.sent_params or None,
            "json": request.body,
            "content": request.content,
            "headers": {**({} if elsewhere else self._headers), **request.sent_headers},
            "timeout": self._httpx.Timeout(read_timeout, connect=connect),
        }

    @contextmanager
    def _errors_mapped(self) -> Iterator[None]:
        """Raise httpx's errors as `NoResponseError` or `ClientError`."""
        httpx = self._httpx
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoResponseError(str(error), reached=False) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ClientError("MALFORMED", f"{self.url} is not a valid URL: {error}") from None
        except httpx.HTTPError as error:
            raise NoResponseError(str(error) or type(error).__name__, reached=True) from None


def pause_after(error: ClientError, stream: Stream[Any]) -> float:
    """Seconds after which a rejected stream is requested again.

    Raises:
        ClientError: the rejection is final.
    """
    if error.code not in _RETRIED:
        raise error
    return stream.lost(time.monotonic())


@contextmanager
def whole_file(path: Path) -> Iterator[Any]:
    """A file to write to. It appears at `path` when complete, and never in part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def as_method(method: M) -> M:
    """Set the signature that ``help`` and editors show: ``self``, and the operation's result."""
    import inspect

    signature = inspect.signature(method)
    client, *others = signature.parameters.values()
    result = str(signature.return_annotation).removeprefix("Steps[").removesuffix("]")
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[client.replace(name="self", annotation=client.empty), *others],
        return_annotation=result,
    )
    return method
