"""``make bench-sdk``: the cost of authoring with kfp and with Headrace; medians.

It measures the time and the memory to import `dsl`, and the time to define and compile a pipeline
of 500 tasks, each in a new process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[3]
PYTHONS = {"kfp": ROOT / ".kfp/bin/python", "headrace": ROOT / ".venv/bin/python"}
TASKS = 500
LIMITS = {"import_ms": 150, "memory_mb": 40}
"""Limits for `from headrace import dsl`."""
LEAST_RATIO = 3
"""How many times faster than kfp Headrace has to compile the pipeline."""

_MEASURE = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
def pages():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
before, start = pages(), time.perf_counter()
from {sdk} import dsl
imported, after = time.perf_counter(), pages()
found = {{"import_ms": (imported - start) * 1e3, "memory_mb": after - before}}
from {sdk} import compiler
from tests.bench.sdk import pipelines
start = time.perf_counter()
pipeline = pipelines.define(dsl, {tasks})
defined = time.perf_counter()
compiler.Compiler().compile(pipeline, sys.argv[1])
found["define_ms"] = (defined - start) * 1e3
found["write_ms"] = (time.perf_counter() - defined) * 1e3
found["compile_ms"] = (time.perf_counter() - start) * 1e3
print(json.dumps(found))
"""


def measure(sdk: str, folder: Path) -> dict[str, float]:
    """One process with one SDK: milliseconds and megabytes."""
    code = _MEASURE.format(sdk=sdk, tasks=TASKS)
    command = [PYTHONS[sdk], "-W", "ignore", "-c", code, folder / f"{sdk}.yaml"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def medians(repeats: int, folder: Path) -> dict[str, dict[str, float]]:
    """The medians of both SDKs, measured in turn."""
    runs: dict[str, list[dict[str, float]]] = {sdk: [] for sdk in PYTHONS}
    for sdk in PYTHONS:
        measure(sdk, folder)  # fills the disk cache
    for _ in range(repeats):
        for sdk, found in runs.items():
            found.append(measure(sdk, folder))
    return {
        sdk: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for sdk, found in runs.items()
    }


def main() -> None:
    options = _options()
    path = Path(options.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = medians(options.repeats, path.parent)
    ratio = found["kfp"]["compile_ms"] / found["headrace"]["compile_ms"]
    table = Table("", *found, title=f"medians of {options.repeats}, {TASKS} tasks")
    for key in found["kfp"]:
        table.add_row(key, *(f"{found[sdk][key]:.1f}" for sdk in found))
    Console().print(table)
    Console().print(f"compiled {ratio:.1f} times faster", highlight=False)
    kept = {"cores": os.cpu_count(), "python": platform.python_version(), **found, "ratio": ratio}
    path.write_text(json.dumps(kept, indent=1) + "\n")
    if options.check:
        missed = [key for key, most in LIMITS.items() if found["headrace"][key] > most]
        if missed or ratio < LEAST_RATIO:
            raise SystemExit(f"missed: {missed or f'{ratio:.1f} is not {LEAST_RATIO}'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-sdk ARGS=", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="fail when a limit is missed")
    parser.add_argument("--output", default=str(ROOT / "bench/results/sdk.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
