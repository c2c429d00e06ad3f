"""The pure cores alone, without a deployment: how their cost grows with a pipeline's size."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

from headrace_contracts.ir.parse import parse_document
from headrace_scheduler.core.plan import plan

from tests.support.graphs import shell_pipeline

TASKS, EDGES = 5_000, 7_000
_REPEATS = 5


def layered(tasks: int, edges: int) -> dict[str, list[str]]:
    """A graph without cycles: each task but the first follows an earlier one, and what is left of
    `edges` is drawn between others."""
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


def loop(items: int, limit: int) -> dict[str, Any]:
    """A ParallelFor over `items` constants, `limit` at a time, with one step inside."""
    spec = shell_pipeline({"each": []}, name="loop")
    body = spec["root"]["dag"]
    spec["components"]["comp-loop"] = {
        "dag": {"tasks": body["tasks"]},
        "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
    }
    spec["root"]["dag"] = {
        "tasks": {
            "loop": {
                "componentRef": {"name": "comp-loop"},
                "taskInfo": {"name": "loop"},
                "iteratorPolicy": {"parallelismLimit": limit},
                "parameterIterator": {
                    "itemInput": "item",
                    "items": {"raw": json.dumps(list(range(items)))},
                },
            }
        }
    }
    return spec


def measure() -> dict[str, float]:
    """What planning a large graph costs, and reading loops of two lengths."""
    document = parse_document([shell_pipeline(layered(TASKS, EDGES))])
    few, many = loop(100, 50), loop(10_000, 50)
    return {
        "plan_ms": _milliseconds(lambda: plan(document)),
        "plan_peak_mb": _peak_megabytes(lambda: plan(document)),
        "parse_loop_100_ms": _milliseconds(lambda: parse_document([few])),
        "parse_loop_10000_ms": _milliseconds(lambda: parse_document([many])),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
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
