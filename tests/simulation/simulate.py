"""One simulation: a seed in, what it did and what it broke out."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from tests.simulation import invariants, workload
from tests.simulation.faults import Weather, storm
from tests.simulation.loop import PROCESS, HangError, SimulatedLoop, run
from tests.simulation.trace import Trace
from tests.simulation.world import Knobs, Violation, World

_STORM_SECONDS = 40.0
_HEALING_SECONDS = 400.0
"""More than any pause that the services make: the acknowledgement wait, the pauses of repeated
deliveries, the lease, the silence of a task."""
_SWEPT_SECONDS = 700.0
"""More than the pause between two sweeps of the folders."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a simulation."""

    seed: int
    violations: tuple[Violation, ...]
    trace: Trace
    steps: int
    virtual_seconds: float
    cpu_seconds: float
    executions: int
    kinds: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The same for the same seed."""
        text = "\n".join(map(str, self.trace.lines))
        return sha256(text.encode()).hexdigest()[:16]

    def without_trace(self) -> Outcome:
        """The outcome without what takes much memory."""
        return replace(self, trace=Trace())

    def explain(self) -> str:
        """What was broken, each with what happened before."""
        kinds = ",".join(self.kinds)
        parts = [
            f"seed {self.seed}: {len(self.violations)} violations. To see it again:",
            f"  make simulate SEEDS={self.seed} ARGS='--faults \"{kinds}\"'",
        ]
        for one in self.violations[:3]:
            parts += [f"* {one.promise}: {one.details}", self.trace.excerpt(one.about)]
        return "\n".join(parts)


def simulate(seed: int, kinds: Collection[str] | None = None) -> Outcome:
    """Run the simulation of a seed, within `substituted()`. `kinds` are the faults that may occur;
    by default the seed chooses."""
    chance = random.Random(seed)
    knobs = _knobs(chance)
    weather = Weather(chance, kinds)
    folder = Path(tempfile.mkdtemp(prefix="headrace-simulation-", dir=_folder()))
    began = time.process_time()
    try:
        world, loop = run(lambda loop: _live(loop, knobs, weather, folder), chance, knobs.window)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(
        seed,
        tuple(world.violations),
        world.trace,
        loop.steps,
        loop.time(),
        time.process_time() - began,
        len(world.executions),
        tuple(weather.kinds),
    )


def reduced(outcome: Outcome) -> Outcome:
    """A simulation that breaks the first of the same promises with fewer kinds of faults."""
    promise = outcome.violations[0].promise
    for kind in outcome.kinds:
        fewer = [one for one in outcome.kinds if one != kind]
        tried = simulate(outcome.seed, fewer)
        if any(one.promise == promise for one in tried.violations):
            return reduced(tried)
    return outcome


def _knobs(chance: random.Random) -> Knobs:
    return Knobs(
        window=chance.choice((1, 1, 3, 50)),
        executors=chance.choice((1, 1, 2)),
        schedulers=chance.choice((1, 2)),
        runs=chance.randint(1, 6),
        slots=chance.choice((1, 2, 8)),
        lease_seconds=chance.choice((3.0, 20.0)),
        silence_seconds=chance.choice((2.0, 30.0)),
    )


def _folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _live(
    loop: SimulatedLoop, knobs: Knobs, weather: Weather, folder: Path
) -> tuple[World, SimulatedLoop]:
    chance = loop.chance
    world = World(loop, knobs, folder, weather.wire, weather.restart_seconds)
    world.note("simulation", f"{knobs}")
    world.note("simulation", f"faults: {', '.join(weather.kinds)}; roughness {weather.roughness}")
    _listen(world)
    specs = [workload.pipeline(chance) for _ in range(2)]
    world.start()
    storming = asyncio.ensure_future(storm(world, weather, _STORM_SECONDS))
    for number in range(knobs.runs):
        event = workload.submission(number, chance, chance.choice(specs))
        spec = next(one for one in specs if len(one) == event.spec.bytes)
        world.bucket.held[event.spec.key] = spec
        world.submissions[event.run_id] = event
        await asyncio.sleep(chance.uniform(0, _STORM_SECONDS / knobs.runs))
    try:
        await storming
        await _heal(world)
    except HangError as error:
        world.violate("nothing hangs", str(error))
    world.stop()
    invariants.check(world)
    return world, loop


async def _heal(world: World) -> None:
    until = world.loop.time() + _HEALING_SECONDS
    quiet = 0
    while quiet < 3:
        if world.loop.time() > until:
            for what, word in invariants.unsettled(world):
                world.violate("everything comes to its end", what, word)
            return
        await asyncio.sleep(2)
        quiet = 0 if invariants.unsettled(world) else quiet + 1
    until = world.loop.time() + _SWEPT_SECONDS
    while invariants.remains(world) and world.loop.time() < until:  # noqa: ASYNC110
        await asyncio.sleep(10)


def _listen(world: World) -> None:
    """Have the logs of the services in the trace."""

    def record(_: Any, level: str, event: dict[str, Any]) -> Any:
        process = PROCESS.get()
        if level != "debug" and process is not None:
            about = {k: v for k, v in event.items() if k not in ("event", "level", "exc_info")}
            error = event.get("exc_info")
            text = " ".join(f"{key}={str(value)[:160]}" for key, value in sorted(about.items()))
            text += f" {error!r}" if isinstance(error, BaseException) else ""
            world.note(process.name, f"{event['event']} {text}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, record],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=False,
    )
