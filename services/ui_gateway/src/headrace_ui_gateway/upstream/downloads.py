"""Bytes from the deployment's own object store, by the links that recorder gives."""

from __future__ import annotations

import httpx
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError, RetryableError


async def fetched(url: str, most: int) -> tuple[bytes, bool]:
    """The first `most` bytes behind a link into the deployment's object store, and whether that is
    all.

    Raises:
        RejectedError: there is nothing.
        RetryableError: the store is away.
    """
    content = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=15, trust_env=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code == 404:
                raise RejectedError.because(
                    RejectionCode.NOT_FOUND, "there is nothing at this place of the object store"
                )
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > most:
                    return bytes(content[:most]), False
    except httpx.HTTPError as error:
        raise RetryableError(f"object store: {error!r}") from error
    return bytes(content), True
