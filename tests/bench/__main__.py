"""``make bench``: measures, prints a table, and writes the numbers as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import core
from tests.bench.cases import Result, processes, run_case, table
from tests.bench.cpu import Group, group
from tests.bench.measure import attached
from tests.bench.pipelines import SHAPES, STEPS
from tests.bench.trace import trace
from tests.support.deployment import ROOT, Deployment


def main() -> None:
    options = _options()
    results: dict[str, Any] = {
        "command": f"make bench ARGS='{' '.join(sys.argv[1:])}'",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }
    if options.shape or options.trace:
        results |= _deployed(options)
    if not options.no_core:
        results["core"] = core.measure()
        _show("core", [{key: f"{value:.1f}" for key, value in results["core"].items()}])
    path = Path(options.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    Console().print(f"written to {path}", highlight=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--shape", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--step", nargs="*", choices=STEPS, default=list(STEPS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trace", action="store_true", help="show where a step's time goes")
    parser.add_argument("--no-core", action="store_true", help="leave out the pure cores")
    parser.add_argument("--output", default=str(ROOT / "bench/results/last.json"))
    return parser.parse_args()


def _deployed(options: argparse.Namespace) -> dict[str, Any]:
    with group() as counted:
        deployment = Deployment()
        try:
            with counted.members():
                deployment.up()
            measured = asyncio.run(_measure(options, deployment, counted))
        finally:
            deployment.remove()
        return {"cpu": counted.source, **measured}


async def _measure(
    options: argparse.Namespace, deployment: Deployment, counted: Group
) -> dict[str, Any]:
    results: list[Result] = []
    async with attached(deployment, counted) as bench:
        for step in options.step:
            for shape in options.shape:
                found = await run_case(bench, deployment, shape, step, options.repeats)
                _show("", table([found]))
                results.append(found)
        if results:
            _show("CPU of a step by process", processes(results))
        layers = await trace(bench, deployment) if options.trace else {}
        if layers:
            rows = [{"layer": name, "ms": f"{taken:.2f}"} for name, taken in layers.items()]
            _show("one step of a chain", rows)
    return {"cases": [asdict(result) for result in results], "layers": layers}


def _show(title: str, rows: list[dict[str, Any]]) -> None:
    shown = Table(title=title or None)
    for column in rows[0]:
        shown.add_column(column, justify="right")
    for row in rows:
        shown.add_row(*map(str, row.values()))
    Console(width=None if sys.stdout.isatty() else 120).print(shown)


main()
