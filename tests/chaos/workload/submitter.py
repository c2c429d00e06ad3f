"""Submits runs at random, repeats requests, and cancels, retries and deletes some of the runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from tests.chaos.journal import Journal, Operation, Submission
from tests.chaos.testbed import Testbed
from tests.chaos.workload.doors import EventDoor, HttpDoor
from tests.chaos.workload.pipelines import Kind
from tests.chaos.workload.streams import Streams

_CANARY_PRIORITY = 1000
_OPERATION_SECONDS = 60.0
_BURST = 25
"""Which order of a round is for many runs at once."""
_CLIENTS = 100
"""So many programs submit at once in a burst."""


@dataclass(frozen=True, slots=True)
class Order:
    """One submission as the random numbers have it."""

    pause: float
    kind: Kind
    parameters: dict[str, Any]
    door: str
    keyed: bool
    repeats: int
    watched: bool
    caching: bool
    operation: str | None
    copies: int
    """How many such runs are submitted at once; usually one."""
    delay: float
    """Between the answer and the operation."""


def orders(random: Random, kinds: tuple[Kind, ...], pace: float, burst: int) -> Iterator[Order]:
    """The submissions of a round, without an end. `pace`: the mean pause in seconds. `burst`: how
    many runs one of the orders is for."""
    weights = [kind.weight for kind in kinds]
    for number in count(1):
        kind = random.choices(kinds, weights)[0]
        yield Order(
            pause=min(random.expovariate(1 / pace), 4 * pace),
            kind=kind,
            parameters=kind.draw(random),
            door=random.choices(["http", "event"], [3, 1])[0],
            keyed=random.random() < 0.9,
            repeats=random.choices([0, 1, 3], [7, 2, 1])[0],
            watched=random.random() < 0.2,
            caching=random.random() < 0.7,
            operation=random.choices([None, "cancel", "delete", "retry"], [82, 8, 6, 4])[0],
            copies=burst if number == _BURST else 1,
            delay=random.uniform(0, 6),
        )


class Submitter:
    """Carries out orders, each in a task of its own."""

    def __init__(self, bed: Testbed, packages: dict[str, str], streams: Streams) -> None:
        self._bed = bed
        self._journal: Journal = bed.journal
        self._packages = packages
        self._streams = streams
        self._doors = {"http": HttpDoor(bed), "event": EventDoor(bed)}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, source: Iterator[Order], until: float) -> None:
        """Submit until this monotonic time."""
        for order in source:
            if time.monotonic() + order.pause > until:
                return
            await asyncio.sleep(order.pause)
            submissions = [self._record(order) for _ in range(order.copies)]
            for at in range(min(_CLIENTS, order.copies)):
                self._start(self._carry_out_all(order, submissions[at::_CLIENTS]))

    async def canaries(self, kind: Kind, every: float, until: float) -> None:
        """Submit a small run every few seconds, and see how long each takes."""
        while time.monotonic() < until:
            self._start(self._canary(kind))
            await asyncio.sleep(every)

    def submit(self, kind: Kind, parameters: dict[str, Any]) -> None:
        """Submit one run."""
        submission = self._new(kind, "http", keyed=True)
        self._start(self._submit(submission, kind, parameters, caching=False))

    async def canary(self, kind: Kind) -> Submission:
        """Submit one canary and wait until it has ended."""
        return await self._canary(kind)

    async def finish(self, seconds: float) -> int:
        """Wait until every submission is answered and every operation done; returns how many are
        not."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return len(self._tasks)

    async def close(self) -> None:
        """Give up what has no answer yet."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        door = self._doors["event"]
        assert isinstance(door, EventDoor)
        await door.close()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _record(self, order: Order) -> Submission:
        # A message without a key of its own has the key that its id gives, so it is not repeated.
        return self._new(order.kind, order.door, keyed=order.keyed or order.door == "event")

    def _new(self, kind: Kind, door: str, *, keyed: bool) -> Submission:
        number = len(self._journal.submissions) + 1
        key = f"{self._journal.seed}-{number}" if keyed else None
        made = Submission(number, kind.name, door, key, kind.states, self._journal.round)
        self._journal.submissions.append(made)
        return made

    async def _carry_out_all(self, order: Order, submissions: list[Submission]) -> None:
        """One client, which submits one run after the other."""
        for submission in submissions:
            await self._carry_out(order, submission)

    async def _carry_out(self, order: Order, submission: Submission) -> None:
        await self._submit(submission, order.kind, order.parameters, caching=order.caching)
        if submission.run_id is None:
            return
        if order.watched:
            self._streams.watch(submission.run_id)
        if submission.key is not None:
            for _ in range(order.repeats):
                await self._submit(submission, order.kind, order.parameters, caching=order.caching)
        if order.operation is not None:
            await asyncio.sleep(order.delay)
            await self._operate(submission, order.operation)

    async def _submit(
        self, submission: Submission, kind: Kind, parameters: dict[str, Any], *, caching: bool
    ) -> None:
        body = {
            "package": self._packages[kind.name],
            "parameters": {"tag": str(submission.number), **parameters},
            "display_name": submission.name,
            "caching": caching,
            "priority": _CANARY_PRIORITY if kind.name == "canary" else 0,
        }
        submission.sent = submission.sent or time.time()
        door = self._doors["event" if submission.door == "event" else "http"]
        await door.submit(submission, body)
        submission.answered = submission.answered or time.time()

    async def _operate(self, submission: Submission, kind: str) -> None:
        """Cancel, retry or delete the run, repeatedly until there is an answer."""
        operation = Operation(kind, time.time())
        submission.operations.append(operation)
        path = f"/api/v1/runs/{submission.run_id}"
        method, path = ("DELETE", path) if kind == "delete" else ("POST", f"{path}/{kind}")
        deadline = time.monotonic() + _OPERATION_SECONDS
        while time.monotonic() < deadline:
            response = await self._bed.request(method, path)
            if response is not None and response.status_code < 500:
                operation.status = response.status_code
                return
            await asyncio.sleep(0.5)

    async def _canary(self, kind: Kind) -> Submission:
        submission = self._new(kind, "canary", keyed=True)
        await self._submit(submission, kind, {}, caching=False)
        pause = 0.03
        while submission.run_id is not None:
            response = await self._bed.request(
                "GET", f"/api/v1/runs/{submission.run_id}", patience=10
            )
            state = response.json()["state"] if response and response.status_code == 200 else None
            if state in ("SUCCEEDED", "FAILED", "CANCELED"):
                submission.seen_ended, submission.final_state = time.time(), state
                break
            await asyncio.sleep(pause)
            pause = min(0.5, pause * 1.3)
        return submission
