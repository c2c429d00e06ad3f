"""Runs operations and streams with asyncio. Imports asyncio only when it waits."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from headrace.client.errors import ClientError, NoResponseError
from headrace.client.transport.base import BaseClient, as_method, pause_after, whole_file
from headrace.client.transport.requests import Download, Request, Response, Step, Steps
from headrace.client.transport.retries import RequestAttempts, rejection
from headrace.client.transport.streams import FetchContent, Stream, lower_names

P = ParamSpec("P")
T = TypeVar("T")


class AwaitingClient(BaseClient):
    """Runs operations with asyncio. Belongs to one event loop."""

    def _open(self, options: dict[str, Any]) -> None:
        self._http = self._httpx.AsyncClient(**options)

    async def close(self) -> None:
        """Close its connections. It cannot be used afterwards."""
        await self._http.aclose()

    async def _perform(self, steps: Steps[T]) -> T:
        """Run an operation."""
        result: Any = None
        try:
            while True:
                step = steps.send(result)
                result = await self._step(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _step(self, step: Step) -> Any:
        if isinstance(step, Request):
            return await self._send(step)
        return await (self._download(step) if isinstance(step, Download) else _sleep(step.seconds))

    async def _send(self, request: Request) -> Response:
        attempts = RequestAttempts(request, self.patience, self.url)
        while True:
            try:
                with self._errors_mapped():
                    found = await self._http.request(**self._arguments(request, self._timeout))
                response = Response(found.status_code, lower_names(found.headers), found.content)
                pause = attempts.after_response(response, random.random())  # noqa: S311
            except NoResponseError as error:
                pause = attempts.after_no_response(error, random.random())  # noqa: S311
            if pause is None:
                return response
            await _sleep(pause)

    async def _stream(self, stream: Stream[T]) -> AsyncIterator[T]:
        """The items of a stream, which is resumed whenever it is cut."""
        while not stream.ended:
            try:
                async for item in self._stream_response(stream):
                    yield item
                pause = 0.0 if stream.ended else stream.lost(time.monotonic())
            except NoResponseError:
                pause = stream.lost(time.monotonic())
            except ClientError as error:
                pause = pause_after(error, stream)
            await _sleep(pause)

    async def _stream_response(self, stream: Stream[T]) -> AsyncIterator[T]:
        arguments = self._arguments(stream.request, stream.silence(time.monotonic()))
        with self._errors_mapped():
            async with self._http.stream(**arguments) as found:
                if found.status_code >= 400:
                    content = await found.aread()
                    headers = lower_names(found.headers)
                    raise rejection(Response(found.status_code, headers, content))
                stream.opened(found.status_code)
                async for chunk in found.aiter_bytes():
                    stream.received()
                    for item in stream.feed(chunk):
                        yield item
                    if stream.ended:
                        return
                    stream.check(time.monotonic())
                stream.finished()

    async def _download(self, step: Download) -> int:
        written = 0
        with whole_file(step.path) as file:
            async for chunk in self._stream(FetchContent(step.url)):
                written += file.write(chunk)
        return written


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def awaiting(
    operation: Callable[Concatenate[BaseClient, P], Steps[T]],
) -> Callable[Concatenate[AwaitingClient, P], Coroutine[Any, Any, T]]:
    """An operation as a method of the asyncio client."""

    @functools.wraps(operation)
    async def method(self: AwaitingClient, /, *args: P.args, **options: P.kwargs) -> T:
        return await self._perform(operation(self, *args, **options))

    return as_method(method)
