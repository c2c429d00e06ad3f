"""Reads bodies of requests and responses up to a size limit."""

from __future__ import annotations

from collections.abc import AsyncIterable

from headrace_api.errors import package_too_large


async def read_package(
    chunks: AsyncIterable[bytes], max_bytes: int, field: str | None = None
) -> bytes:
    """The bytes of a package.

    Raises:
        RejectedError: TOO_LARGE; there are more than `max_bytes`. The rest is not read.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise package_too_large(max_bytes, field)
    return bytes(body)
