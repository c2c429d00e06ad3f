"""The pipelines of the workload, made with Headrace's own SDK and compiled once.

Each has the states in which its runs may end when only the platform is at fault. All steps run
``step.py``, which records each execution.
"""

# No `from __future__ import annotations`: the SDK reads the annotations of pipelines.
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from headrace import compiler, dsl

from tests.chaos.workload.components import Steps, make_steps

DAEMON = "chaos-daemon"
"""The program that steps leave behind."""
_SUCCEEDS = frozenset({"SUCCEEDED"})
_FAILS = frozenset({"FAILED"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of run. `draw` gives the parameters; `weight` how often it is submitted."""

    name: str
    pipeline: Callable[..., Any]
    states: frozenset[str] = _SUCCEEDS
    weight: int = 2
    draw: Callable[[Random], dict[str, Any]] = lambda random: {}


def build(folder: Path) -> tuple[Kind, ...]:
    """All kinds. `folder`: where steps record their executions."""
    daemon = folder / DAEMON
    if not daemon.exists():
        daemon.symlink_to("/bin/sleep")
    steps = make_steps(folder)
    return tuple(kind(steps) for kind in _kinds(daemon))


def compile_all(kinds: tuple[Kind, ...], folder: Path) -> dict[str, str]:
    """The package of each kind, as text."""
    packages = {}
    for kind in kinds:
        path = folder / f"{kind.name}.yaml"
        compiler.Compiler().compile(kind.pipeline, str(path))
        packages[kind.name] = path.read_text()
    return packages


def _pair(steps: Steps, tag: Any, *, seconds: Any = 0.0, failures: int = 0, size: int = 64) -> Any:
    """A producer and its consumer; returns both tasks."""
    given = steps.give(tag=tag, seconds=seconds, failures=failures, size=size)
    taken = steps.take(tag=tag, nonce=given.outputs["nonce"], content=given.outputs["content"])
    return given, taken


def _canary(steps: Steps) -> Kind:
    act = steps.act()

    @dsl.pipeline
    def canary(tag: str):
        act(tag=tag, seconds=0.0)

    return Kind("canary", canary, weight=0)


def _pairs(steps: Steps) -> Kind:
    @dsl.pipeline
    def pairs(tag: str, seconds: float):
        for _ in range(3):
            _pair(steps, tag, seconds=seconds)

    return Kind("pairs", pairs, weight=6, draw=lambda random: {"seconds": _short(random)})


def _chain(steps: Steps) -> Kind:
    @dsl.pipeline
    def chain(tag: str, seconds: float):
        for _ in range(3):
            _, taken = _pair(steps, tag, seconds=seconds)
            tag = taken.outputs["own"]

    return Kind("chain", chain, weight=5, draw=lambda random: {"seconds": _short(random)})


def _loop(steps: Steps) -> Kind:
    act = steps.act()

    @dsl.pipeline
    def loop(tag: str, items: list, seconds: float):
        with dsl.ParallelFor(items) as item:
            given = steps.give(tag=item, seconds=seconds, failures=0, size=64)
            steps.take(tag=tag, nonce=given.outputs["nonce"], content=given.outputs["content"])
        act(tag=tag, seconds=0.0).after(given)

    def draw(random: Random) -> dict[str, Any]:
        count = random.randint(2, 6)
        return {"items": [str(n) for n in range(count)], "seconds": _short(random)}

    return Kind("loop", loop, weight=3, draw=draw)


def _branch(steps: Steps) -> Kind:
    act = steps.act()

    @dsl.pipeline
    def branch(tag: str, side: str):
        with dsl.If(side == "left"):
            _pair(steps, tag)
        with dsl.Else():
            act(tag=tag, seconds=0.2)

    def draw(random: Random) -> dict[str, Any]:
        return {"side": random.choice(["left", "right"])}

    return Kind("branch", branch, draw=draw)


def _retried(steps: Steps) -> Kind:
    @dsl.pipeline
    def retried(tag: str):
        given, _ = _pair(steps, tag, failures=2)
        given.set_retry(num_retries=3, backoff_duration="1s", backoff_factor=1)

    return Kind("retried", retried)


def _handled(steps: Steps, name: str, failures: int, states: frozenset[str]) -> Kind:
    handler = steps.act("exit=1")

    @dsl.pipeline(name=name)
    def handled(tag: str, seconds: float):
        with dsl.ExitHandler(handler(tag=tag, seconds=0.3)):
            _pair(steps, tag, seconds=seconds, failures=failures)

    return Kind(name, handled, states, draw=lambda random: {"seconds": _short(random)})


def _cached(steps: Steps) -> Kind:
    @dsl.pipeline
    def cached(tag: str):
        _pair(steps, "always the same")

    return Kind("cached", cached)


def _sizes(steps: Steps) -> Kind:
    @dsl.pipeline
    def sizes(tag: str):
        for size in (1000, 300_000, 8_000_000):
            _pair(steps, tag, size=size)

    return Kind("sizes", sizes)


def _python(steps: Steps) -> Kind:
    @dsl.pipeline
    def python(tag: str):
        given = steps.give_python(tag=tag)
        steps.take_python(tag=tag, nonce=given.outputs["nonce"], content=given.outputs["content"])

    return Kind("python", python, weight=3)


def _single(
    steps: Steps, name: str, options: tuple[str, ...], seconds: tuple[float, float]
) -> Kind:
    act = steps.act(*options)

    @dsl.pipeline(name=name)
    def single(tag: str, seconds: float):
        act(tag=tag, seconds=seconds)

    return Kind(
        name, single, weight=1, draw=lambda random: {"seconds": round(random.uniform(*seconds), 2)}
    )


def _short(random: Random) -> float:
    return round(random.choice([0.0, 0.0, 0.1, 0.5, 2.0]) * random.uniform(0.5, 1.5), 2)


def _kinds(daemon: Path) -> tuple[Callable[[Steps], Kind], ...]:
    return (
        _canary,
        _pairs,
        _chain,
        _loop,
        _branch,
        _retried,
        lambda steps: _handled(steps, "handled", 0, _SUCCEEDS),
        lambda steps: _handled(steps, "failing", 9, _FAILS),
        _cached,
        _sizes,
        _python,
        lambda steps: _single(steps, "long", (), (10, 25)),
        lambda steps: _single(steps, "stubborn", ("ignore-term=1",), (3, 8)),
        lambda steps: _single(steps, "daemon", (f"daemon={daemon}",), (1, 6)),
        lambda steps: _single(steps, "chatty", ("log=3000000",), (0, 1)),
        lambda steps: _single(steps, "destructive", ("log=20000", "delete-folder=1"), (0, 4)),
    )


def by_name(kinds: tuple[Kind, ...]) -> Mapping[str, Kind]:
    """The kinds by their names."""
    return {kind.name: kind for kind in kinds}


if __name__ == "__main__":
    place = Path(sys.argv[1])
    compile_all(build(place), place)
