"""An event loop with virtual time and an order of its own, and processes in it that can die.

Time passes only when nothing is left to do: then it jumps to the next timer. A process is whatever
runs in a context in which `PROCESS` is set, and thus every task that its first task has started.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
import signal
import warnings
import weakref
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

from tests.support.memory.wire import CLOSERS, later

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
_STEP_SECONDS = 20e-6
"""How long one callback takes."""


class HangError(AssertionError):
    """Nothing will ever happen again."""


class SimulatedTask(asyncio.Task[Any]):
    """A task whose place in a set is the same in every simulation of a seed."""

    def __init__(self, coroutine: Any, number: int, **options: Any) -> None:
        self._number = number  # the base class already puts it into a set
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class Process:
    """A process of the simulation: it runs, is frozen, or has ended."""

    def __init__(self, name: str, loop: SimulatedLoop, host: Any = None) -> None:
        self.name = name
        self.host = host
        """The machine that it runs on."""
        self.is_dead = False
        self.is_frozen = False
        self.fuse: int | None = None
        """After how many callbacks `blow` is called."""
        self.blow: Callable[[], None] = self.kill
        self.handlers: dict[int, Callable[[], None]] = {}
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self.held: list[events.Handle] = []
        self.when_ended: Callable[[], None] = lambda: None
        self._closers: list[Callable[[], None]] = []
        self._loop = loop
        loop.processes.append(self)

    def start(self, main: Coroutine[Any, Any, object]) -> None:
        """Run its first task; the process ends with it."""
        task = self._loop.create_task(main, context=self.context())
        task.add_done_callback(self._finish, context=Context())

    def context(self) -> Context:
        """A context in which something belongs to this process."""
        context = Context()
        context.run(PROCESS.set, self)
        context.run(CLOSERS.set, self._closers)
        return context

    def kill(self) -> None:
        """SIGKILL: no callback of it runs any more, not even to clean up."""
        if not self.is_dead:
            self.is_dead = True
            self._loop.graveyard += list(self.tasks)
            self.held.clear()
            self._end()

    def terminate(self) -> None:
        """SIGTERM."""
        call = self.handlers.get(signal.SIGTERM)
        if call is None:
            self.kill()
        else:
            call()

    def freeze(self) -> None:
        """SIGSTOP."""
        self.is_frozen = True

    def thaw(self) -> None:
        """SIGCONT: what has become due meanwhile happens now."""
        self.is_frozen = False
        held, self.held = self.held, []
        self._loop.add_ready(held)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        if not self.is_dead:
            self.is_dead = True
            self._loop.graveyard += [one for one in self.tasks if not one.done()]
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._loop.report(self, error)
            self._end()

    def _end(self) -> None:
        for close in self._closers:
            later(0, close)
        later(0, self.when_ended)


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs one callback at a time, chosen by `chance` among the first `window` that are ready."""

    def __init__(self, chance: random.Random, window: int) -> None:
        super().__init__()
        self.chance = chance
        self.processes: list[Process] = []
        self.graveyard: list[asyncio.Task[Any]] = []
        self.steps = 0
        self.report: Callable[[Process, BaseException], None] = lambda *_: None
        self._now = 0.0
        self._window = window
        self.descriptors: dict[int, asyncio.Event] = {}
        """The ends of processes, by the descriptors that stand for them."""
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self._tasks_made = 0
        self._timers: list[tuple[float, int, Any]] = []
        self._timers_made = 0
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._now

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_made += 1
        heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def add_ready(self, handles: list[events.Handle]) -> None:
        """Have these run, after what is ready already."""
        self._ready.extend(handles)  # type: ignore[attr-defined]

    async def sock_sendall(self, sock: Any, data: Any) -> None:
        sock.send(data)
        await asyncio.sleep(0)

    async def sock_recv(self, sock: Any, nbytes: int) -> bytes:
        return await sock.receive()  # type: ignore[no-any-return]

    def add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> None:
        """`fd` stands for a process, which is readable when it has ended."""

        async def wait() -> None:
            await self.descriptors[fd].wait()
            callback(*args)

        self._waiting[fd] = asyncio.ensure_future(wait())

    def remove_reader(self, fd: Any) -> bool:
        return self._waiting.pop(fd, None) is not None

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        process = PROCESS.get()
        assert process is not None
        context = process.context()
        process.handlers[sig] = lambda: self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """A thread takes some time, and runs as a whole at some moment of it."""
        return asyncio.ensure_future(self._in_thread(func, *args))

    async def _in_thread(self, func: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(self.chance.uniform(0, 0.002))
        result = func(*args)
        await asyncio.sleep(self.chance.uniform(0, 0.002))
        return result

    def bury(self) -> None:
        """End what is left of dead processes, after the simulation: it has no effect any more."""
        buried: set[asyncio.Task[Any]] = set()
        while left := {*self.graveyard, *asyncio.all_tasks(self)} - buried:
            for task in left:
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
            buried |= left
        self.graveyard.clear()
        self._ready.clear()  # type: ignore[attr-defined]
        self._timers.clear()
        self.processes.clear()

    # -- what the base class leaves to a selector ----------------------------------------------

    def _make_task(
        self, loop: Any, coroutine: Any, context: Context | None = None
    ) -> asyncio.Task[Any]:
        self._tasks_made += 1
        task = SimulatedTask(coroutine, self._tasks_made, loop=self, context=context)
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.tasks.add(task)
            if process.is_dead:
                self.graveyard.append(task)
        return task

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        return

    def _write_to_self(self) -> None:
        return

    def _process_events(self, event_list: Any) -> None:
        return

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not ready:
            if not timers:
                raise HangError("nothing is ready, and no timer is set")
            self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:
                ready.append(timer)
        self._run(self._take(ready))

    def _take(self, ready: Any) -> events.Handle:
        choices = min(self._window, len(ready))
        index = self.chance.randrange(choices) if choices > 1 else 0
        handle = ready[index]
        del ready[index]
        return handle  # type: ignore[no-any-return]

    def _run(self, handle: Any) -> None:
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None:
            if process.is_dead:
                return
            if process.is_frozen:
                process.held.append(handle)
                return
            if process.fuse is not None:
                process.fuse -= 1
                if process.fuse < 0:
                    process.fuse = None
                    process.blow()
                    if process.is_dead or process.is_frozen:
                        self.add_ready([handle])
                        return
        self.steps += 1
        self._now += _STEP_SECONDS
        handle._run()


def _close(coroutine: Any) -> None:
    """Close a coroutine, first those that it awaits."""
    for _ in range(20):
        awaited = getattr(coroutine, "cr_await", None)
        if hasattr(awaited, "cr_await"):
            _close(awaited)
        try:
            coroutine.close()
            return
        except (RuntimeError, StopIteration):  # it awaits something while it ends
            continue
        except BaseException:
            return


def run(
    main: Callable[[SimulatedLoop], Coroutine[Any, Any, Any]], chance: random.Random, window: int
) -> Any:
    """Run a simulation on a loop of its own, and end everything that it leaves."""
    loop = SimulatedLoop(chance, window)
    loop.set_exception_handler(lambda *_: None)  # a dead process reports nothing
    quiet = logging.getLogger("asyncio")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a dead process would still await
            loop.bury()
        loop.close()
        quiet.setLevel(level)
