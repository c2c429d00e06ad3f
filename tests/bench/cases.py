"""A case: one shape of graph with one kind of step, measured several times, each beside its
floor."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench import floor
from tests.bench.floor import Used
from tests.bench.measure import Bench, Measured
from tests.bench.pipelines import SHAPES, STEPS, Shape, chain
from tests.support.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Result:
    """Medians of one case. "Added" is the overhead of the deployment over the floor."""

    shape: str
    step: str
    steps: int
    repeats: int
    wall_ms: float
    floor_wall_ms: float
    wall_ratio: float
    added_wall_ms_per_step: float
    cpu_ms: float
    processes_cpu_ms_per_step: dict[str, float]
    floor_cpu_ms: float
    added_cpu_ms_per_step: float
    busy_with_steps: float
    """CPU time of the commands alone (the floor), divided by wall time and cores."""
    measured: list[dict[str, Any]]
    floors: list[dict[str, float]]


async def run_case(
    bench: Bench, deployment: Deployment, shape_name: str, step: str, repeats: int
) -> Result:
    """Warm up, then measure deployment and floor in turn, so that both have the same conditions."""
    shape = SHAPES[shape_name]
    warm = Shape("warm", chain(5))
    with floor.captured(deployment.data / "steps") as launches:
        await bench.run(STEPS[step](warm), 1)
    if not launches:
        raise RuntimeError("no launch file was seen while the deployment warmed up")
    spec = STEPS[step](shape)
    measured, floors = [], []
    for _ in range(repeats):
        measured.append(await bench.run(spec, shape.runs))
        floors.append(floor.run(launches[0], shape.steps, shape.parallel))
    return _result(shape, step, measured, floors)


def _result(shape: Shape, step: str, measured: list[Measured], floors: list[Used]) -> Result:
    wall = median(one.wall_ms for one in measured)
    cpu = median(one.cpu_ms for one in measured)
    floor_wall = median(one.wall_ms for one in floors)
    floor_cpu = median(one.cpu_ms for one in floors)
    return Result(
        shape=shape.name,
        step=step,
        steps=shape.steps,
        repeats=len(measured),
        wall_ms=wall,
        floor_wall_ms=floor_wall,
        wall_ratio=wall / floor_wall,
        added_wall_ms_per_step=(wall - floor_wall) / shape.steps,
        cpu_ms=cpu,
        processes_cpu_ms_per_step={
            name: median(one.processes[name] for one in measured) / shape.steps
            for name in measured[0].processes
        },
        floor_cpu_ms=floor_cpu,
        added_cpu_ms_per_step=(cpu - floor_cpu) / shape.steps,
        busy_with_steps=floor_cpu / (wall * (os.cpu_count() or 1)),
        measured=[asdict(one) for one in measured],
        floors=[asdict(one) for one in floors],
    )


def table(results: list[Result]) -> list[dict[str, Any]]:
    """The rows to print, by column title."""
    return [
        {
            "case": f"{r.shape}, {r.step}",
            "steps": r.steps,
            "wall s": f"{r.wall_ms / 1000:.2f}",
            "floor s": f"{r.floor_wall_ms / 1000:.2f}",
            "ratio": f"{r.wall_ratio:.2f}",
            "added": f"{r.added_wall_ms_per_step:.1f}",
            "CPU": f"{r.added_cpu_ms_per_step:.1f}",
            "services": f"{sum(r.processes_cpu_ms_per_step.values()):.1f}",
            "busy": f"{r.busy_with_steps:.0%}",
        }
        for r in results
    ]


def processes(results: list[Result]) -> list[dict[str, Any]]:
    """The CPU time of a step by process, in milliseconds."""
    return [
        {
            "CPU ms": f"{r.shape}, {r.step}",
            **{name: f"{ms:.1f}" for name, ms in r.processes_cpu_ms_per_step.items()},
        }
        for r in results
    ]
