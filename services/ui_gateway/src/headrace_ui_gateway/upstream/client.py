"""HTTP client of the services behind the gateway. It parses responses into resources, and raises
rejections as errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx
from headrace_contracts.access import HEADER
from headrace_contracts.base import Contract
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.auth.caller import ACCESS

C = TypeVar("C", bound=Contract)
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
            timeout=httpx.Timeout(15, connect=2),
            trust_env=False,
            headers={"Authorization": f"Bearer {service_token}"},
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request on behalf of the caller.

        Raises:
            RejectedError: the service rejected the request.
            RetryableError: the service is unavailable.
        """
        params = {k: v for k, v in (options.pop("params", None) or {}).items() if v is not None}
        headers = {**options.pop("headers", {}), HEADER: ACCESS.get().to_header()}
        try:
            response = await self._client.request(
                method, path, params=params, headers=headers, **options
            )
        except httpx.HTTPError as error:
            raise RetryableError(f"{self._name}: {error!r}") from error
        if response.status_code >= 500:
            raise RetryableError(f"{self._name} responded with status {response.status_code}")
        if response.status_code >= 400:
            raise _rejection(response)
        return response

    async def get(self, kind: type[C], path: str, **params: Any) -> C:
        """Read one resource."""
        return kind.model_validate_json((await self.call("GET", path, params=params)).content)

    async def post(
        self, kind: type[C], path: str, body: bytes | AsyncIterator[bytes], **params: Any
    ) -> C:
        """Create one resource from a JSON body."""
        response = await self.call("POST", path, content=body, params=params, headers=_JSON)
        return kind.model_validate_json(response.content)

    async def post_idempotent(
        self, kind: type[C], path: str, body: bytes, key: str | None, **params: Any
    ) -> tuple[C, int]:
        """Create one resource, at most once for an idempotency key. Returns the resource and the
        status: 201, or 200 if it existed already."""
        headers = _JSON if key is None else {**_JSON, "Idempotency-Key": key}
        response = await self.call("POST", path, content=body, params=params, headers=headers)
        return kind.model_validate_json(response.content), response.status_code

    async def change(
        self, kind: type[C], method: str, path: str, body: Any = None, if_match: str | None = None
    ) -> C:
        """Change one resource if it matches the entity tag `if_match`; returns the new state."""
        headers = {} if if_match is None else {"If-Match": if_match}
        response = await self.call(method, path, json=body, headers=headers)
        return kind.model_validate_json(response.content)


def _rejection(response: httpx.Response) -> RejectedError:
    body = response.json()
    try:
        code = RejectionCode(body.get("code"))
    except ValueError:
        code = RejectionCode.MALFORMED
    return RejectedError.because(code, body.get("detail", "refused"), body.get("field"))
