"""HTTP client of the services behind the gateway. It parses responses into resources, and raises
rejections as errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from headrace_contracts.access import HEADER
from headrace_contracts.base import Contract
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError
from headrace_runtime.http import unavailable_cause

from headrace_ui_gateway.auth.caller import ACCESS

C = TypeVar("C", bound=Contract)
RESPONSE_SECONDS = 5.0
"""Time limit of a response. A list of 200,000 runs takes 0.15 s; more than this means that the
service is frozen or cannot reach its stores."""
_LONG_RESPONSE_SECONDS = 15.0
"""Time limit of a call that may take long, such as parsing a package or fetching one from a URL."""
_ALIVE_SECONDS = 2.0
_CONNECT_SECONDS = 2.0
_LARGE_BODY = 256 * 1024
"""Bytes from which on reading a request takes a service long."""
_JSON = {"Content-Type": "application/json"}


class ServiceClient:
    """Client of one service. Each request carries the caller's access rights."""

    def __init__(
        self,
        name: str,
        url: str,
        service_token: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`name` appears in errors. `transport` replaces the network in tests."""
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=url,
            trust_env=False,
            headers={"Authorization": f"Bearer {service_token}"},
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        seconds: float | None = None,
        long: bool = False,
        **options: Any,
    ) -> httpx.Response:
        """Send a request on behalf of the caller. The service has `seconds` to respond, by default
        `RESPONSE_SECONDS`. A `long` call has more, if the service responds to another request
        first: a frozen service must not keep the caller waiting.

        Raises:
            RejectedError: the service rejected the request.
            RetryableError: the service is unavailable.
        """
        params = {k: v for k, v in (options.pop("params", None) or {}).items() if v is not None}
        headers = {**options.pop("headers", {}), HEADER: ACCESS.get().to_header()}
        if long:
            await self._send("GET", "/livez", _ALIVE_SECONDS)
        limit = seconds or (_LONG_RESPONSE_SECONDS if long else RESPONSE_SECONDS)
        response = await self._send(method, path, limit, params=params, headers=headers, **options)
        if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
            raise _rejection(response)
        if response.status_code >= 500:
            raise self._failed(response)
        if response.status_code >= 400:
            raise _rejection(response)
        return response

    async def _send(self, method: str, path: str, seconds: float, **options: Any) -> httpx.Response:
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
        try:
            return await self._client.request(method, path, timeout=timeout, **options)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise self._unavailable(repr(error)) from error
        except RuntimeError as error:
            if not self._client.is_closed:
                raise
            raise self._unavailable("the gateway stops") from error

    def _unavailable(self, detail: str) -> RetryableError:
        return RetryableError(f"the service {self._name!r} is unavailable", detail)

    def _failed(self, response: httpx.Response) -> RetryableError:
        """The error of a response that says that the service, or a store behind it, fails."""
        body = _problem(response)
        if body.get("code") == "UNAVAILABLE" and isinstance(body.get("detail"), str):
            return RetryableError(unavailable_cause(body["detail"]))
        return self._unavailable(f"it responded with status {response.status_code}")

    async def get(self, kind: type[C], path: str, **params: Any) -> C:
        """Read one resource."""
        return kind.model_validate_json((await self.call("GET", path, params=params)).content)

    async def post(self, kind: type[C], path: str, body: bytes, **params: Any) -> C:
        """Create one resource from a JSON body or a package."""
        return (await self.post_idempotent(kind, path, body, None, **params))[0]

    async def post_idempotent(
        self, kind: type[C], path: str, body: bytes, key: str | None, **params: Any
    ) -> tuple[C, int]:
        """Create one resource, at most once for an idempotency key. Returns the resource and the
        status: 201, or 200 if it existed already."""
        headers = _JSON if key is None else {**_JSON, "Idempotency-Key": key}
        long = len(body) > _LARGE_BODY or params.get("package_url") is not None
        response = await self.call(
            "POST", path, long=long, content=body, params=params, headers=headers
        )
        return kind.model_validate_json(response.content), response.status_code

    async def change(
        self, kind: type[C], method: str, path: str, body: Any = None, if_match: str | None = None
    ) -> C:
        """Change one resource if it matches the entity tag `if_match`; returns the new state."""
        headers = {} if if_match is None else {"If-Match": if_match}
        response = await self.call(method, path, json=body, headers=headers)
        return kind.model_validate_json(response.content)


def _problem(response: httpx.Response) -> dict[str, Any]:
    """The body of an error; empty if it is none of a service, but of a proxy in between."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _rejection(response: httpx.Response) -> RejectedError:
    body = _problem(response)
    try:
        code = RejectionCode(str(body.get("code")))
    except ValueError:
        code = RejectionCode.MALFORMED
    return RejectedError.because(code, body.get("detail", "refused"), body.get("field"))
