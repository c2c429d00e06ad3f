"""Downloads from the deployment's object store, by the links that the recorder gives."""

from __future__ import annotations

import httpx
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError

from headrace_ui_gateway.upstream.client import RESPONSE_SECONDS


async def download(url: str, max_bytes: int) -> tuple[bytes, bool]:
    """The first `max_bytes` bytes of an object, and whether they are all of it.

    Raises:
        RejectedError: the object does not exist.
        RetryableError: the object store is unavailable.
    """
    content = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=RESPONSE_SECONDS, trust_env=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code == 404:
                raise RejectedError.because(
                    RejectionCode.NOT_FOUND, "the object does not exist in the object store"
                )
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > max_bytes:
                    return bytes(content[:max_bytes]), False
    except httpx.HTTPError as error:
        raise RetryableError("the object store is unavailable", repr(error)) from error
    return bytes(content), True
