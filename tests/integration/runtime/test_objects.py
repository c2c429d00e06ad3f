"""The object store on the real S3 server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from headrace_runtime import object_clock
from headrace_runtime.errors import NotStorableError, RetryableError
from headrace_runtime.objects import ObjectMissingError, ObjectStore

from tests.support.servers import Servers


async def test_objects_are_written_read_and_listed(objects: ObjectStore) -> None:
    await objects.put("some/a", b"0123456789")
    await objects.put("some/b", b"")
    assert await objects.get("some/a") == b"0123456789"
    assert await objects.get_range("some/a", 2, 5) == b"234"
    assert await objects.get_range("some/a", 8, 50) == b"89"
    assert await objects.get_range("some/a", 5, 5) == b""
    assert await objects.size("some/a") == 10
    assert await objects.list("some/") == ["some/a", "some/b"]


async def test_a_large_folder_is_deleted_page_by_page(objects: ObjectStore) -> None:
    keys = [f"large/{number % 7}/{number:04}" for number in range(1200)]
    for start in range(0, len(keys), 40):
        await asyncio.gather(*(objects.put(key, b"x") for key in keys[start : start + 40]))
    sizes = []
    async for page in objects.pages("large/"):
        sizes.append(len(page))
        assert await objects.delete_many(page) == {}
    assert sizes == [1000, 200]
    assert await objects.list("large/") == []


async def test_a_missing_object_raises_its_own_error(objects: ObjectStore) -> None:
    for read in (objects.get("none"), objects.size("none")):
        with pytest.raises(ObjectMissingError, match="none"):
            await read


async def test_a_presigned_url_reads_one_object(objects: ObjectStore) -> None:
    await objects.put("linked", b"here")
    url = await objects.presign_get("linked", 60)
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).content == b"here"
        assert (await client.get(url.replace("/linked", "/other"))).status_code == 403


async def test_a_presigned_post_writes_below_its_prefix_only(objects: ObjectStore) -> None:
    url, fields = await objects.presign_post("mine/", 60)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def post(key: str) -> int:
            form = {**fields, "key": key}
            return (await client.post(url, data=form, files={"file": b"x"})).status_code

        assert await post("mine/deep/file") in (200, 204)
        assert await post("yours/file") == 403
    assert await objects.get("mine/deep/file") == b"x"
    assert await objects.list("yours/") == []


async def test_an_unavailable_store_raises_a_retryable_error(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_pause(_: float) -> None:
        """Replaces the client's pauses between retries."""

    monkeypatch.setattr("aiobotocore.endpoint.asyncio", SimpleNamespace(sleep=no_pause))
    settings = servers.object_settings().model_copy(
        update={"objects_endpoint": "http://127.0.0.1:9"}
    )
    async with ObjectStore(settings) as store:
        with pytest.raises(RetryableError):
            await store.get("anything")


async def test_a_store_that_stops_within_a_response_raises_a_retryable_error(
    servers: Servers,
) -> None:
    async def half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(half_a_body, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = servers.object_settings().model_copy(
            update={"objects_endpoint": f"http://127.0.0.1:{port}"}
        )
        async with ObjectStore(settings) as store:
            with pytest.raises(RetryableError):
                await store.get("anything")


def test_only_a_uri_of_this_bucket_has_a_key(servers: Servers) -> None:
    store = ObjectStore(servers.object_settings())
    assert store.key(store.uri("a/b")) == "a/b"
    assert store.key("s3://another/a/b") is None
    assert store.key("gs://headrace/a") is None


async def test_many_objects_are_deleted_with_one_request(objects: ObjectStore) -> None:
    keys = [f"gone/{number}" for number in range(5)]
    for key in keys:
        await objects.put(key, b"x")
    assert await objects.delete_many([*keys[:3], "gone/never"]) == {}
    assert await objects.list("gone/") == keys[3:]
    assert await objects.delete_many([]) == {}


async def test_objects_that_cannot_be_deleted_are_reported(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await objects.put("gone/a", b"x")
    call = objects._call

    async def rejecting(operation: str, **arguments: Any) -> Any:
        """As a store that rejects a whole request for one malformed key."""
        keys = [entry["Key"] for entry in arguments["Delete"]["Objects"]]
        if any("bad" in key for key in keys):
            raise NotStorableError.of("the object store", "MalformedXML")
        response = await call(operation, **arguments)
        return response | {
            "Errors": [{"Key": k, "Code": "C", "Message": k} for k in keys if "x" in k]
        }

    monkeypatch.setattr(objects, "_call", rejecting)
    failed = await objects.delete_many(["gone/a", "gone/bad", "gone/x", "gone/c"])
    assert set(failed) == {"gone/bad", "gone/x"}
    assert failed["gone/x"] == "C: gone/x"
    monkeypatch.undo()
    assert await objects.list("gone/a") == []


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (403, "AccessDenied", RetryableError),
        (403, "SignatureDoesNotMatch", RetryableError),
        (404, "NoSuchBucket", RetryableError),
        (404, "NoSuchKey", ObjectMissingError),
        (507, "InsufficientStorage", RetryableError),
        (400, "KeyTooLongError", NotStorableError),
        (413, "EntityTooLarge", NotStorableError),
    ],
)
async def test_what_a_store_answers(
    servers: Servers, status: int, code: str, raised: type[Exception]
) -> None:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = servers.object_settings().model_copy(
            update={"objects_endpoint": f"http://127.0.0.1:{port}"}
        )
        async with ObjectStore(settings) as store:
            for call in (store.get("anything"), store.put("anything", b"x")):
                with pytest.raises(raised):
                    await call


@pytest.mark.parametrize("key", ["", "half of a pair \ud800"], ids=repr)
async def test_a_key_that_the_client_refuses_is_not_requested_again(
    objects: ObjectStore, key: str
) -> None:
    for call in (objects.get(key), objects.put(key, b"x"), objects.size(key)):
        with pytest.raises(NotStorableError):
            await call


async def test_a_range_beyond_the_end_is_empty(objects: ObjectStore) -> None:
    await objects.put("short", b"abc")
    assert await objects.get_range("short", 3, 10) == b""
    assert await objects.get_range("short", 100, 200) == b""


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
async def test_a_process_whose_clock_is_wrong_reads_writes_and_gives_links(
    hours: int, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.start("s3")

    def wrong() -> datetime:
        return datetime.now(UTC) + timedelta(hours=hours)

    monkeypatch.setattr(object_clock, "_local_time", wrong)
    async with ObjectStore(servers.object_settings()) as objects:
        url = await objects.presign_get("clock", 60)
        await objects.put("clock", b"right")
        assert await objects.get("clock") == b"right"
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).content == b"right"


async def test_a_clock_that_jumps_is_followed(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.start("s3")
    async with ObjectStore(servers.object_settings()) as objects:
        for hours in (0, 2, -2, 0):
            now = lambda by=hours: datetime.now(UTC) + timedelta(hours=by)  # noqa: E731
            monkeypatch.setattr(object_clock, "_local_time", now)
            await objects.put("clock", str(hours).encode())
            assert await objects.get("clock") == str(hours).encode()
