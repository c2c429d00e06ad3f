"""The floor: the command of a step, started by a plain loop.

The command line and environment are those of a launch file that the executor wrote for the same
step, taken from the deployment while it warms up.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Used:
    """Wall and CPU time in milliseconds."""

    wall_ms: float
    cpu_ms: float


@contextmanager
def captured(steps: Path) -> Iterator[list[dict[str, Any]]]:
    """Collects the launch files that appear below `steps`; each exists only while its step runs."""
    found: dict[str, dict[str, Any]] = {}
    enough = Event()

    def look() -> None:
        while not enough.is_set():
            for path in steps.glob("*/*/launch.json"):
                try:
                    found.setdefault(str(path), json.loads(path.read_text()))
                except (OSError, ValueError):
                    continue  # incomplete or deleted
            time.sleep(_LOOK_SECONDS)

    launches: list[dict[str, Any]] = []
    looking = Thread(target=look)
    looking.start()
    try:
        yield launches
    finally:
        enough.set()
        looking.join()
        launches += found.values()


def run(launch: dict[str, Any], steps: int, parallel: int) -> Used:
    """Run the launch's command `steps` times, `parallel` at a time."""
    for folder in _folders(launch):
        os.makedirs(folder, exist_ok=True)
    for file in launch["files"]:
        os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
        Path(file["path"]).write_text(file["text"], encoding="utf-8")

    def once(_: int) -> None:
        subprocess.run(
            launch["argv"],
            env=launch["env"],
            cwd=launch["cwd"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )

    before, began = _cpu_of_children(), time.monotonic()
    if parallel == 1:
        for number in range(steps):
            once(number)
    else:
        with ThreadPoolExecutor(parallel) as pool:
            list(pool.map(once, range(steps)))
    wall = time.monotonic() - began
    return Used(wall * 1000, _cpu_of_children() - before)


def _folders(launch: dict[str, Any]) -> list[str]:
    outputs = (*launch["output_parameters"], *launch["output_artifacts"])
    return [*launch["dirs"], *(os.path.dirname(output["path"]) for output in outputs)]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000
