"""The CPU time of the pure cores, without a deployment, for pipelines of several sizes."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from headrace_contracts.ir.parse import parse_document
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.messages.events import AttemptSucceeded
from headrace_contracts.states import RunState
from headrace_contracts.values import Outputs
from headrace_scheduler.core.decide import decide
from headrace_scheduler.core.plan import Plan, plan
from headrace_scheduler.core.run import Run

from tests.support.graphs import loop_pipeline, shell_pipeline
from tests.support.submissions import AT, submitted

TASKS, EDGES = 5_000, 7_000
_REPEATS = 5


def layered(tasks: int, edges: int) -> dict[str, list[str]]:
    """An acyclic graph: each task except the first depends on an earlier one, and the other `edges`
    are random."""
    draw = random.Random(tasks)
    upstream: dict[int, set[int]] = {
        task: {draw.randrange(max(0, task - 50), task)} if task else set() for task in range(tasks)
    }
    missing = edges - (tasks - 1)
    while missing > 0:
        task = draw.randrange(1, tasks)
        other = draw.randrange(task)
        if other not in upstream[task]:
            upstream[task].add(other)
            missing -= 1
    return {f"t{task}": [f"t{other}" for other in sorted(upstream[task])] for task in upstream}


def measure() -> dict[str, float]:
    """The cost of planning a large graph, and of deciding for each item of two loops."""
    graph = parse_document([shell_pipeline(layered(TASKS, EDGES))])
    few, many = (
        plan(parse_document([loop_pipeline(100, 50)])),
        plan(parse_document([loop_pipeline(10_000, 50)])),
    )
    decide_many(few)  # fills caches
    for_few = median(_milliseconds(lambda: decide_many(few)) / 100 for _ in range(_REPEATS))
    for_many = _milliseconds(lambda: decide_many(many), repeats=3) / 10_000
    return {
        "plan_ms": _milliseconds(lambda: plan(graph)),
        "plan_peak_mb": _peak_megabytes(lambda: plan(graph)),
        "decide_100_us": for_few * 1000,
        "decide_10000_us": for_many * 1000,
        "decide_ratio": for_many / for_few,
        "decide_100_peak_mb": _peak_megabytes(lambda: decide_many(few)),
        "decide_10000_peak_mb": _peak_megabytes(lambda: decide_many(many)),
    }


def decide_many(planned: Plan) -> Run:
    """Decide a run from its submission to its end; every attempt succeeds at once. Returns the
    run."""
    run = Run.fresh(submitted(), planned)
    news: deque[Any] = deque([run.submission])
    while news:
        decision = decide(run, news.popleft(), AT, "local")
        news += [_succeeded(c) for c in decision.commands if isinstance(c, LaunchAttempt)]
    assert run.header.state is RunState.SUCCEEDED
    return run


def _succeeded(command: LaunchAttempt) -> AttemptSucceeded:
    return AttemptSucceeded(
        run_id=command.run_id,
        task_id=command.task_id,
        attempt=command.attempt,
        outputs=Outputs(parameters={"value": "done"}),
        started_at=AT,
        finished_at=AT,
    )


def _milliseconds(work: Callable[[], object], *, repeats: int = _REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) * 1000)
    return median(taken)


def _peak_megabytes(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        made = work()
        peak = tracemalloc.get_traced_memory()[1]
        del made
    finally:
        tracemalloc.stop()
    return peak / 2**20
