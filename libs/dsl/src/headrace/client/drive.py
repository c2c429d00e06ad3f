"""Carries operations out: with blocking calls, or with asyncio. The only module that needs httpx,
and only when a client is made."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from headrace.client.errors import ClientError, LostError
from headrace.client.place import default_data, place
from headrace.client.streams import Fetch, Stream, is_other_server, lower
from headrace.client.wire import Answer, Patience, Request, Save, Step, Steps, Tries, refused

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Any])
_SEND_AGAIN = ("UNAVAILABLE", "TOO_MANY_REQUESTS")


class Core:
    """What both clients are made with, and what operations see of them."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        namespace: str | None = None,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: Any = None,
    ) -> None:
        """
        Args:
            url: The gateway's address. Without it ``HEADRACE_HOST``, or the embedded deployment of
                the data folder (``HEADRACE_DATA``, or its default).
            token: Sent with every request; without it ``HEADRACE_TOKEN``, or what is kept for the
                address. Without any the gateway takes us for its owner when we are a program of
                its own user on its own machine, and where it is set up to.
            namespace: Of what is made and listed; without it ``default``, and of lists the one
                that the caller sees.
            timeout: How many seconds an answer may take. A connection may take 3.
            patience: How often a request is sent again.
            transport: An httpx transport, for tests.

        Raises:
            ClientError: no address was given and none is known.
        """
        import os

        import httpx

        host = url or os.environ.get("HEADRACE_HOST")
        found, token = place(host, token or os.environ.get("HEADRACE_TOKEN"), default_data())
        self.url = found.rstrip("/")
        self.namespace = namespace
        self.patience = patience or Patience()
        self._timeout = timeout
        self._errors = httpx
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._open(httpx, {"trust_env": False, "transport": transport})

    def _open(self, httpx: Any, options: dict[str, Any]) -> None:
        """Make the library's client."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _sent(self, request: Request, silence: float | None) -> dict[str, Any]:
        """The request as httpx takes it."""
        elsewhere = is_other_server(request.path)
        return {
            "method": request.method,
            "url": request.path if elsewhere else f"{self.url}/api/v1{request.path}",
            "params": request.sent_params or None,
            "json": request.body,
            "content": request.content,
            "headers": {**({} if elsewhere else self._headers), **request.sent_headers},
            "timeout": self._errors.Timeout(silence, connect=min(3.0, self._timeout)),
        }

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """The library's errors as ours."""
        httpx = self._errors
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise LostError(str(error), reached=False) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ClientError("MALFORMED", f"{self.url} is no address: {error}") from None
        except httpx.HTTPError as error:
            words = str(error) or type(error).__name__
            raise LostError(words, reached=True) from None

    def _after_refusal(self, error: ClientError, stream: Stream[Any]) -> float:
        if error.code not in _SEND_AGAIN:
            raise error
        return stream.lost(time.monotonic())


class BlockingCore(Core):
    """Carries operations out with blocking calls. Threads may share it."""

    def _open(self, httpx: Any, options: dict[str, Any]) -> None:
        self._http = httpx.Client(**options)

    def close(self) -> None:
        """Close its connections; it cannot be used any more."""
        self._http.close()

    def drive(self, steps: Steps[T]) -> T:
        """Carry out an operation."""
        came: Any = None
        try:
            while True:
                step = steps.send(came)
                came = self._carried_out(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _carried_out(self, step: Step) -> Any:
        if isinstance(step, Request):
            return self._ask(step)
        return self._save(step) if isinstance(step, Save) else time.sleep(step.seconds)

    def _ask(self, request: Request) -> Answer:
        tries = Tries(request, self.patience, self.url)
        while True:
            try:
                with self._mapped():
                    found = self._http.request(**self._sent(request, self._timeout))
                answer = Answer(found.status_code, lower(found.headers), found.content)
                pause = tries.judged(answer, random.random())  # noqa: S311
            except LostError as error:
                pause = tries.lost(error, random.random())  # noqa: S311
            if pause is None:
                return answer
            time.sleep(pause)

    def stream(self, stream: Stream[T]) -> Iterator[T]:
        """The items of a stream, however often it is cut."""
        while not stream.ended:
            try:
                yield from self._once(stream)
                pause = 0.0 if stream.ended else stream.lost(time.monotonic())
            except LostError:
                pause = stream.lost(time.monotonic())
            except ClientError as error:
                pause = self._after_refusal(error, stream)
            time.sleep(pause)

    def _once(self, stream: Stream[T]) -> Iterator[T]:
        sent = self._sent(stream.request, stream.silence(time.monotonic()))
        with self._mapped(), self._http.stream(**sent) as found:
            if found.status_code >= 400:
                content = found.read()
                raise refused(Answer(found.status_code, lower(found.headers), content))
            if isinstance(stream, Fetch):
                stream.begins(found.status_code)
            stream.opened()
            for chunk in found.iter_bytes():
                stream.heard()
                yield from stream.feed(chunk)
                if stream.ended:
                    return
                stream.check(time.monotonic())
            stream.finished()

    def _save(self, step: Save) -> int:
        with writing(step.path) as file:
            return sum(file.write(chunk) for chunk in self.stream(Fetch(step.url)))


class AwaitingCore(Core):
    """Carries operations out with asyncio. It belongs to one event loop."""

    def _open(self, httpx: Any, options: dict[str, Any]) -> None:
        self._http = httpx.AsyncClient(**options)

    async def close(self) -> None:
        """Close its connections; it cannot be used any more."""
        await self._http.aclose()

    async def drive(self, steps: Steps[T]) -> T:
        """Carry out an operation."""
        came: Any = None
        try:
            while True:
                step = steps.send(came)
                came = await self._carried_out(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _carried_out(self, step: Step) -> Any:
        if isinstance(step, Request):
            return await self._ask(step)
        return await (self._save(step) if isinstance(step, Save) else _sleep(step.seconds))

    async def _ask(self, request: Request) -> Answer:
        tries = Tries(request, self.patience, self.url)
        while True:
            try:
                with self._mapped():
                    found = await self._http.request(**self._sent(request, self._timeout))
                answer = Answer(found.status_code, lower(found.headers), found.content)
                pause = tries.judged(answer, random.random())  # noqa: S311
            except LostError as error:
                pause = tries.lost(error, random.random())  # noqa: S311
            if pause is None:
                return answer
            await _sleep(pause)

    async def stream(self, stream: Stream[T]) -> AsyncIterator[T]:
        """The items of a stream, however often it is cut."""
        while not stream.ended:
            try:
                async for item in self._once(stream):
                    yield item
                pause = 0.0 if stream.ended else stream.lost(time.monotonic())
            except LostError:
                pause = stream.lost(time.monotonic())
            except ClientError as error:
                pause = self._after_refusal(error, stream)
            await _sleep(pause)

    async def _once(self, stream: Stream[T]) -> AsyncIterator[T]:
        sent = self._sent(stream.request, stream.silence(time.monotonic()))
        with self._mapped():
            async with self._http.stream(**sent) as found:
                if found.status_code >= 400:
                    content = await found.aread()
                    raise refused(Answer(found.status_code, lower(found.headers), content))
                if isinstance(stream, Fetch):
                    stream.begins(found.status_code)
                stream.opened()
                async for chunk in found.aiter_bytes():
                    stream.heard()
                    for item in stream.feed(chunk):
                        yield item
                    if stream.ended:
                        return
                    stream.check(time.monotonic())
                stream.finished()

    async def _save(self, step: Save) -> int:
        written = 0
        with writing(step.path) as file:
            async for chunk in self.stream(Fetch(step.url)):
                written += file.write(chunk)
        return written


async def _sleep(seconds: float) -> None:
    import asyncio  # blocking clients do without it

    await asyncio.sleep(seconds)


@contextmanager
def writing(path: Path) -> Iterator[Any]:
    """A file that is there as a whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def blocking(
    operation: Callable[Concatenate[Core, P], Steps[T]],
) -> Callable[Concatenate[BlockingCore, P], T]:
    """An operation as a method of the blocking client."""

    @functools.wraps(operation)
    def method(self: BlockingCore, /, *args: P.args, **options: P.kwargs) -> T:
        return self.drive(operation(self, *args, **options))

    return _shown(method)


def awaiting(
    operation: Callable[Concatenate[Core, P], Steps[T]],
) -> Callable[Concatenate[AwaitingCore, P], Coroutine[Any, Any, T]]:
    """An operation as a method of the asyncio client."""

    @functools.wraps(operation)
    async def method(self: AwaitingCore, /, *args: P.args, **options: P.kwargs) -> T:
        return await self.drive(operation(self, *args, **options))

    return _shown(method)


def _shown(method: M) -> M:
    """The method as ``help`` and editors show it: with ``self``, and with what comes back."""
    import inspect

    signature = inspect.signature(method)
    client, *others = signature.parameters.values()
    answer = str(signature.return_annotation).removeprefix("Steps[").removesuffix("]")
    whole = signature.replace(
        parameters=[client.replace(name="self", annotation=client.empty), *others],
        return_annotation=answer,
    )
    method.__signature__ = whole  # type: ignore[attr-defined]
    return method
