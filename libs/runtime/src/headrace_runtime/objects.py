"""The object store: reads and writes of small objects, and presigned URLs for everything else.

The bytes of artifacts never pass through here. The client is created on first use: it takes 30 MB,
which a service that rarely needs it should not spend at start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from headrace_runtime.errors import NotStorableError
from headrace_runtime.faults import objects
from headrace_runtime.faults.kinds import translated
from headrace_runtime.object_clock import StoreClock
from headrace_runtime.settings import ObjectStoreSettings

_FIRST_RESPONSE_SECONDS = 2.0
"""For a first response, which shows the store's clock: presigned URLs need it too."""


class ObjectMissingError(LookupError):
    """There is no object with this key."""


@contextmanager
def _translating(key: str) -> Iterator[None]:
    """Raise errors of the store as what the caller has to do about them; see `faults.objects`."""
    try:
        yield
    except Exception as error:
        if objects.is_missing(error):
            raise ObjectMissingError(key) from None
        translation = translated(objects.kind_of(error), objects.STORE, error)
        if translation is None:
            raise
        raise translation from error


class ObjectStore:
    """One bucket, as an async context manager. Calls raise `RetryableError` when the store is
    unavailable or refuses this client, and `NotStorableError` when it can never have such an
    object."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        self.bucket = settings.objects_bucket
        self._settings = settings
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> ObjectStore:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Write one object."""
        await self._call("put_object", Key=key, Body=body, ContentType=content_type)

    async def get(self, key: str) -> bytes:
        """Read a whole object.

        Raises:
            ObjectMissingError: there is no such object.
        """
        return await self._read(key)

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from `start` to `end` (exclusive); fewer if the object is shorter."""
        if end <= start:
            return b""
        try:
            return await self._read(key, Range=f"bytes={start}-{end - 1}")
        except Exception as error:
            if objects.is_past_end(error):
                return b""
            raise

    async def size(self, key: str) -> int:
        """The size of an object in bytes.

        Raises:
            ObjectMissingError: there is no such object.
        """
        return int((await self._call("head_object", Key=key))["ContentLength"])

    async def has(self, key: str) -> bool:
        """Whether there is an object with this key."""
        try:
            await self.size(key)
        except ObjectMissingError:
            return False
        return True

    async def has_any(self, prefix: str) -> bool:
        """Whether there is any object whose key starts with `prefix`."""
        page = await self._call("list_objects_v2", Prefix=prefix, MaxKeys=1)
        return bool(page.get("Contents"))

    async def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete up to 1000 objects; missing ones are not an error. Returns the errors of those
        that could not be deleted, by key."""
        if not keys:
            return {}
        request = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        try:
            response = await self._call("delete_objects", Delete=request)
        except NotStorableError as error:
            if len(keys) == 1:
                return dict.fromkeys(keys, str(error))
            half = len(keys) // 2  # one malformed key rejects the whole request: isolate it
            return await self.delete_many(keys[:half]) | await self.delete_many(keys[half:])
        return {
            entry["Key"]: f"{entry.get('Code')}: {entry.get('Message')}"
            for entry in response.get("Errors", ())
        }

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        """The keys that start with `prefix`, up to 1000 at a time, in the order of the store."""
        token: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=prefix, **token)
            yield [entry["Key"] for entry in page.get("Contents", ())]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def list(self, prefix: str) -> list[str]:
        """The keys that start with `prefix`, sorted."""
        return sorted([key async for page in self.pages(prefix) for key in page])

    async def presign_get(self, key: str, seconds: int) -> str:
        """A URL that permits reading one object, valid for `seconds`."""
        with _translating(key):
            client = await self._open()
            url: str = await client.generate_presigned_url(
                "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=seconds
            )
            return url

    async def presign_post(self, prefix: str, seconds: int) -> tuple[str, dict[str, str]]:
        """A URL and form fields that permit writing any object below `prefix`, valid for
        `seconds`."""
        with _translating(prefix):
            client = await self._open()
            post = await client.generate_presigned_post(
                self.bucket,
                prefix + "${filename}",
                Conditions=[["starts-with", "$key", prefix]],
                ExpiresIn=seconds,
            )
            return post["url"], post["fields"]

    def uri(self, key: str) -> str:
        """The ``s3://`` URI of a key."""
        return f"s3://{self.bucket}/{key}"

    def key(self, uri: str) -> str | None:
        """The key of an ``s3://`` URI in this bucket; None for any other URI."""
        prefix = f"s3://{self.bucket}/"
        return uri[len(prefix) :] if uri.startswith(prefix) else None

    async def _read(self, key: str, **arguments: Any) -> bytes:
        response = await self._call("get_object", Key=key, **arguments)
        with _translating(key):
            async with response["Body"] as body:
                data: bytes = await body.read()
                return data

    async def _call(self, operation: str, **arguments: Any) -> Any:
        with _translating(arguments.get("Key", self.bucket)):
            client = await self._open()
            return await getattr(client, operation)(Bucket=self.bucket, **arguments)

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await self._connect()
        return self._client

    async def _connect(self) -> Any:
        from aioboto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        settings = self._settings
        session = Session(
            aws_access_key_id=settings.objects_access_key.get_secret_value(),
            aws_secret_access_key=settings.objects_secret_key.get_secret_value(),
            region_name=settings.objects_region,
        )
        client = await self._stack.enter_async_context(
            session.client(
                "s3",
                endpoint_url=settings.objects_endpoint,
                config=Config(
                    signature_version="s3v4",
                    max_pool_connections=50,
                    connect_timeout=3,
                    read_timeout=30,
                    retries={"mode": "standard", "max_attempts": 4},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    s3={"addressing_style": "path"},
                ),
            )
        )
        StoreClock().install(client)
        with contextlib.suppress(BotoCoreError, ClientError, OSError, TimeoutError):
            async with asyncio.timeout(_FIRST_RESPONSE_SECONDS):
                await client.head_bucket(Bucket=self.bucket)
        return client
