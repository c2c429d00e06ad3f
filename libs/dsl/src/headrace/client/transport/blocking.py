"""Runs operations and streams with blocking calls."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from headrace.client.errors import ClientError, NoResponseError
from headrace.client.transport.base import BaseClient, as_method, pause_after, whole_file
from headrace.client.transport.requests import Download, Request, Response, Step, Steps
from headrace.client.transport.retries import RequestAttempts, rejection
from headrace.client.transport.streams import FetchContent, Stream, lower_names

P = ParamSpec("P")
T = TypeVar("T")


class BlockingClient(BaseClient):
    """Runs operations with blocking calls. Thread-safe."""

    def _open(self, options: dict[str, Any]) -> None:
        self._http = self._httpx.Client(**options)

    def close(self) -> None:
        """Close its connections. It cannot be used afterwards."""
        self._http.close()

    def _perform(self, steps: Steps[T]) -> T:
        """Run an operation."""
        result: Any = None
        try:
            while True:
                step = steps.send(result)
                result = self._step(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _step(self, step: Step) -> Any:
        if isinstance(step, Request):
            return self._send(step)
        return self._download(step) if isinstance(step, Download) else time.sleep(step.seconds)

    def _send(self, request: Request) -> Response:
        attempts = RequestAttempts(request, self.patience, self.url)
        while True:
            try:
                with self._errors_mapped():
                    found = self._http.request(**self._arguments(request, self._timeout))
                response = Response(found.status_code, lower_names(found.headers), found.content)
                pause = attempts.after_response(response, random.random())  # noqa: S311
            except NoResponseError as error:
                pause = attempts.after_no_response(error, random.random())  # noqa: S311
            if pause is None:
                return response
            time.sleep(pause)

    def _stream(self, stream: Stream[T]) -> Iterator[T]:
        """The items of a stream, which is resumed whenever it is cut."""
        while not stream.ended:
            try:
                yield from self._stream_response(stream)
                pause = 0.0 if stream.ended else stream.lost(time.monotonic())
            except NoResponseError:
                pause = stream.lost(time.monotonic())
            except ClientError as error:
                pause = pause_after(error, stream)
            time.sleep(pause)

    def _stream_response(self, stream: Stream[T]) -> Iterator[T]:
        arguments = self._arguments(stream.request, stream.silence(time.monotonic()))
        with self._errors_mapped(), self._http.stream(**arguments) as found:
            if found.status_code >= 400:
                content = found.read()
                raise rejection(Response(found.status_code, lower_names(found.headers), content))
            stream.opened(found.status_code)
            for chunk in found.iter_bytes():
                stream.received()
                yield from stream.feed(chunk)
                if stream.ended:
                    return
                stream.check(time.monotonic())
            stream.finished()

    def _download(self, step: Download) -> int:
        with whole_file(step.path) as file:
            return sum(file.write(chunk) for chunk in self._stream(FetchContent(step.url)))


def blocking(
    operation: Callable[Concatenate[BaseClient, P], Steps[T]],
) -> Callable[Concatenate[BlockingClient, P], T]:
    """An operation as a method of the blocking client."""

    @functools.wraps(operation)
    def method(self: BlockingClient, /, *args: P.args, **options: P.kwargs) -> T:
        return self._perform(operation(self, *args, **options))

    return as_method(method)
