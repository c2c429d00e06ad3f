"""Lists use indexes, and the number of statements does not depend on the number of rows."""

from __future__ import annotations

import pytest

from tests.bench.lists import Result, measured
from tests.support.postgres import postgres

RUNS = 5_000


@pytest.fixture(scope="module")
async def results() -> list[Result]:
    """All cases of the benchmark with few runs, in a database of its own: it fills the tables."""
    with postgres() as addresses:
        return await measured(addresses["recorder"], RUNS, repeats=1)


async def test_no_list_scans_all_runs_or_queries_each_row(results: list[Result]) -> None:
    assert len(results) > 20
    assert {f"{r.of}, {r.case.name}": r.faults for r in results if r.faults} == {}
    assert max(result.statements for result in results) <= 4
