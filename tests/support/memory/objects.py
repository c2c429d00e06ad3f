"""An object store in memory, with the methods of `headrace_runtime.objects.ObjectStore`.

The fault of its wire is ``request``: the store is unavailable for one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from headrace_runtime.errors import RetryableError
from headrace_runtime.objects import ObjectMissingError

from tests.support.memory.wire import Wire

_URI = "s3://headrace/"


class MemoryBucket:
    """What is stored, whoever asks for it."""

    def __init__(self, wire: Wire) -> None:
        self.held: dict[str, bytes] = {}
        self.wire = wire
        self.is_down = False


class MemoryObjects:
    """A client of the bucket."""

    def __init__(self, bucket: MemoryBucket) -> None:
        self.bucket = "headrace"
        self._bucket = bucket

    async def __aenter__(self) -> MemoryObjects:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        await self._reach()
        self._bucket.held[key] = body

    async def get(self, key: str) -> bytes:
        await self._reach()
        if key not in self._bucket.held:
            raise ObjectMissingError(key)
        return self._bucket.held[key]

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        return (await self.get(key))[start:end]

    async def size(self, key: str) -> int:
        return len(await self.get(key))

    async def has(self, key: str) -> bool:
        await self._reach()
        return key in self._bucket.held

    async def has_any(self, prefix: str) -> bool:
        await self._reach()
        return any(key.startswith(prefix) for key in self._bucket.held)

    async def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        await self._reach()
        for key in keys:
            self._bucket.held.pop(key, None)
        return {}

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        yield await self.list(prefix)

    async def list(self, prefix: str) -> list[str]:
        await self._reach()
        return sorted(key for key in self._bucket.held if key.startswith(prefix))

    async def presign_get(self, key: str, seconds: int) -> str:
        return f"memory:{key}"

    async def presign_post(self, prefix: str, seconds: int) -> tuple[str, dict[str, str]]:
        return f"memory:{prefix}", {}

    def uri(self, key: str) -> str:
        return _URI + key

    def key(self, uri: str) -> str | None:
        return uri.removeprefix(_URI) if uri.startswith(_URI) else None

    async def _reach(self) -> None:
        await asyncio.sleep(self._bucket.wire.delay())
        if self._bucket.is_down or self._bucket.wire.strikes("request"):
            raise RetryableError("object store: connection refused")
        await asyncio.sleep(self._bucket.wire.delay())
