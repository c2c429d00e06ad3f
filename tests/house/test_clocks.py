"""Api and scheduler have one clock, that of their database: what is due, old or newest must not
depend on which process decides."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.deployment import ROOT

SOURCES = (ROOT / "services/api/src", ROOT / "services/scheduler/src")
LOCAL_CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    sorted(path for sources in SOURCES for path in sources.rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT / "services")),
)
def test_no_module_reads_the_clock_of_its_process(path: Path) -> None:
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    assert [ast.unparse(call) for call in calls if ast.unparse(call.func) in LOCAL_CLOCKS] == []
