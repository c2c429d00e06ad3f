"""The api has one clock, that of its database: what is due, old or newest must not depend on which
replica decides."""

from __future__ import annotations

import ast
from pathlib import Path

import headrace_api
import pytest

SOURCES = Path(headrace_api.__file__).parent
LOCAL_CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
}  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(SOURCES.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCES))
)
def test_no_module_reads_the_clock_of_its_process(path: Path) -> None:
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    assert [ast.unparse(call) for call in calls if ast.unparse(call.func) in LOCAL_CLOCKS] == []
