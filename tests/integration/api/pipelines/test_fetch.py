"""Packages by URL: what is fetched, and what is rejected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from headrace_api.pipelines import fetch
from headrace_api.pipelines.fetch import Fetcher
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError

Answers = dict[str, bytes]


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def leads_to(location: str) -> bytes:
    return answer(b"", "302 Found", f"Location: {location}")


class Server:
    """Answers each path with bytes, and records requests."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.received: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.received.append(head)
        writer.write(self.answers[head.split()[1].decode()])
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made


def fetcher(*, private: bool = True, seconds: float = 5.0) -> Fetcher:
    return Fetcher(1000, seconds, allow_private=private)


async def refused(url: str, of: Fetcher | None = None) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        await (of or fetcher()).fetch(url)
    rejection = caught.value.rejection
    assert rejection.field == "package_url"
    return rejection.code, rejection.message


async def test_redirects_are_followed_and_no_extra_headers_are_sent(server: Server) -> None:
    server.answers = {
        "/first": leads_to("/second?a=b"),
        "/second?a=b": leads_to(f"{server.url}/third"),
        "/third": answer(b"a: 1"),
    }
    assert await fetcher().fetch(f"{server.url}/first") == b"a: 1"
    for head in server.received:
        names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line}
        assert names == {b"host", b"accept", b"accept-encoding"}


async def test_a_body_without_a_length_is_read_to_its_end(server: Server) -> None:
    server.answers = {"/a": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na: 1"}
    assert await fetcher().fetch(f"{server.url}/a") == b"a: 1"


@pytest.mark.parametrize(
    ("made", "code", "message"),
    [
        (lambda url: answer(b"x" * 1001), RejectionCode.TOO_LARGE, "larger than"),
        (
            lambda url: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000,
            RejectionCode.TOO_LARGE,
            "larger than",
        ),
        (lambda url: answer(b"", "404 Not Found"), RejectionCode.INVALID_PARAMETER, "status 404"),
        (lambda url: answer(b"", "304 Not Modified"), RejectionCode.INVALID_PARAMETER, "304"),
        (lambda url: leads_to("/a"), RejectionCode.INVALID_PARAMETER, "more than 5 times"),
        (lambda url: leads_to("file:///etc/passwd"), RejectionCode.MALFORMED, "http://"),
        (lambda url: leads_to("http://a:b@example.com"), RejectionCode.MALFORMED, "password"),
        (lambda url: answer(b"", "302 Found"), RejectionCode.MALFORMED, "not a valid URL"),
        (lambda url: b"nonsense\r\n\r\n", RejectionCode.INVALID_PARAMETER, "cannot be reached"),
        (lambda url: b"", RejectionCode.INVALID_PARAMETER, "cannot be reached"),
        (
            lambda url: answer(b"x" * 10).replace(b": 10", b": 20"),
            RejectionCode.INVALID_PARAMETER,
            "cannot be reached",
        ),
    ],
)
async def test_a_response_without_a_package_is_rejected(
    server: Server, made: Callable[[str], bytes], code: str, message: str
) -> None:
    server.answers = {"/a": made(server.url)}
    found, text = await refused(f"{server.url}/a")
    assert (found, message in text) == (code, True), text


async def test_an_unreachable_host_is_rejected(server: Server) -> None:
    assert "cannot be resolved" in (await refused("http://nobody.invalid/"))[1]
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as gone:
        url = f"http://127.0.0.1:{gone.sockets[0].getsockname()[1]}/"
    assert "cannot be reached" in (await refused(url))[1]


async def test_a_slow_server_is_a_timeout(server: Server) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as waiting:
        url = f"http://127.0.0.1:{waiting.sockets[0].getsockname()[1]}/"
        assert "within 0.2 s" in (await refused(url, fetcher(seconds=0.2)))[1]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_a_private_address_is_rejected_in_any_notation(server: Server, host: str) -> None:
    server.answers = {"/a": answer(b"a: 1")}
    _, message = await refused(f"http://{host}:{server.port}/a", fetcher(private=False))
    assert "does not have a public address" in message
    assert server.received == []


async def test_a_redirect_to_a_private_address_is_rejected(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1")
    server.answers = {"/a": leads_to(f"http://127.0.0.2:{server.port}/b")}
    _, message = await refused(f"{server.url}/a", fetcher(private=False))
    assert "leads to host 127.0.0.2" in message
    assert len(server.received) == 1


async def test_the_connection_goes_to_the_checked_address(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = []

    async def changing(host: str, port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["127.0.0.2"]

    monkeypatch.setattr(fetch, "_addresses", changing)
    server.answers = {"/a": answer(b"a: 1")}
    assert await fetcher().fetch(f"http://rebinding.example:{server.port}/a") == b"a: 1"
    assert lookups == ["rebinding.example"]
    assert b"Host: rebinding.example" in server.received[0]


async def test_one_private_address_among_several_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def mixed(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    monkeypatch.setattr(fetch, "_addresses", mixed)
    _, message = await refused("http://mixed.example/", fetcher(private=False))
    assert "does not have a public address" in message
