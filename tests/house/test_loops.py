"""Loops of services use the mechanism of `headrace_runtime.loops`, so that no store that is away
ends them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.deployment import ROOT

_PAUSES = {"sleep", "wait"}
ALLOWED = {
    "libs/runtime/src/headrace_runtime/loops.py:until_available": "the mechanism",
    "libs/runtime/src/headrace_runtime/bus/pull.py:_report_progress": "every error is handled",
    "services/executor/src/headrace_executor/active_launch.py:_found_or_started": "ends itself",
    "services/executor/src/headrace_executor/active_launch.py:_stop_when_canceled": "ends itself",
    "services/executor/src/headrace_executor/runner.py:run": "only starts tasks",
    "services/executor/src/headrace_executor/runner.py:_keep_lease": "uses until_available",
    "services/executor/src/headrace_executor/runner.py:_clean_requested_runs": (
        "uses until_available"
    ),
    "services/executor/src/headrace_executor/backends/process/attempt.py:launcher_of": (
        "ends itself"
    ),
    "services/executor/src/headrace_executor/backends/process/owner.py:_lock": "a limited time",
    "services/scheduler/src/headrace_scheduler/lookups.py:_run": "growing pauses, and an end",
    "services/ui_gateway/src/headrace_ui_gateway/upstream/runs.py:_visible": "a limited time",
}
"""Endless loops with a pause of their own, and why they need no `repeat`."""


def endless_loops(path: Path) -> Iterator[str]:
    """The coroutines with a `while True` that pauses."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for loop in ast.walk(function):
            if (
                isinstance(loop, ast.While)
                and isinstance(loop.test, ast.Constant)
                and any(map(_pauses, ast.walk(loop)))
            ):
                yield f"{path.relative_to(ROOT)}:{function.name}"


def _pauses(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _PAUSES


def test_loops_use_the_mechanism() -> None:
    folders = (ROOT / "services", ROOT / "libs" / "runtime")
    found = {
        name
        for folder in folders
        for path in folder.rglob("src/**/*.py")
        for name in endless_loops(path)
    }
    new = sorted(found - ALLOWED.keys())
    assert new == [], "use headrace_runtime.loops.repeat, or say in ALLOWED why not"
    assert sorted(ALLOWED.keys() - found) == [], "remove what is gone"


def test_nothing_drops_a_cancellation() -> None:
    """`asyncio.wait_for` does before Python 3.12, if it comes together with the result."""
    folders = (ROOT / "services", ROOT / "libs" / "runtime", ROOT / "deploy")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in folders
        for path in folder.rglob("src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "wait_for"
        if isinstance(node.value, ast.Name) and node.value.id == "asyncio"
    ]
    assert found == [], "use asyncio.timeout"
