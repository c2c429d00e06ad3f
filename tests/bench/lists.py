"""``make bench-lists``: the time of lists of runs with many runs in Postgres, through the
recorder's routes, and the plans of Postgres.

It fails when a statement reads the whole table of runs, or when a longer page takes more
statements.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx
from headrace_contracts.access import HEADER, Access
from headrace_recorder.http import http_app
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.pg.database import open_database
from rich.console import Console
from rich.table import Table

from tests.bench.many_runs import FREQUENT, METRICS, NAMESPACES, RARE, WITH_METRICS, fill
from tests.bench.plans import Plan, WatchedDatabase
from tests.support.postgres import postgres

GOAL_MS = 50.0
_LARGEST, *_, _SMALLEST = NAMESPACES
_PAGES_BEFORE = 999
_SIZE = 20


def _where(part: str, state: str | None = "FAILED") -> str:
    named = {"key": "display_name", "operation": "IS_SUBSTRING", "string_value": part}
    failed = {"key": "state", "operation": "EQUALS", "string_value": state}
    return json.dumps({"predicates": [failed, named] if state else [named]})


@dataclass(frozen=True)
class Case:
    """A page of a list."""

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    before: int = 0
    """The number of rows before the page."""
    without_metric: bool = False
    """Whether it is after all rows with the metric."""

    @property
    def spare_statements(self) -> int:
        """How many more statements a longer page may take: one, where the runs without the metric
        begin."""
        return int("metric:" in self.params.get("sort_by", ""))


CASES = (
    Case("first page"),
    Case("page 1,000", before=_PAGES_BEFORE * _SIZE),
    Case("state and frequent name", {"filter": _where(FREQUENT)}),
    Case("state and rare name", {"filter": _where(RARE)}),
    Case("by metric", {"sort_by": f"metric:{METRICS[0]} desc"}),
    Case("by metric, page 1,000", {"sort_by": f"metric:{METRICS[0]} desc"}, _PAGES_BEFORE * _SIZE),
    Case("by metric, beyond it", {"sort_by": f"metric:{METRICS[0]} desc"}, without_metric=True),
    Case("by metric, state and name", {"sort_by": f"metric:{METRICS[0]} asc",
                                       "filter": _where(FREQUENT)}),
    Case("by name", {"sort_by": "display_name"}),
    Case("by end", {"sort_by": "finished_at desc"}),
    Case("frequent name", {"filter": _where(FREQUENT, None)}),
    Case("rare pair of letters", {"filter": _where(RARE[:2], None)}),
    Case("not archived", {"archived": "false"}),
    Case("archived", {"archived": "true"}),
    Case("of a state", {"state": "RUNNING"}),
)  # fmt: skip


@dataclass
class Result:
    """The time and the plans of one case."""

    case: Case
    of: str
    milliseconds: float
    total: int
    statements: int
    statements_of_large_page: int
    plans: list[Plan]

    @property
    def faults(self) -> list[str]:
        """The faults: statements that must not occur."""
        found = [f"reads all runs: {p.shape}" for p in self.plans if p.reads_all_of("run")]
        if not 0 <= self.statements_of_large_page - self.statements <= self.case.spare_statements:
            found.append(f"{self.statements_of_large_page} statements for a larger page")
        return found


class Lists:
    """The recorder's routes, with a database that records statements."""

    def __init__(self, http: httpx.AsyncClient, database: WatchedDatabase) -> None:
        self._http = http
        self._database = database

    async def measure(self, case: Case, namespace: str | None, repeats: int) -> Result:
        """The median of several requests for a page, after one for warm-up."""
        scope = {} if namespace is None else {"namespace": namespace}
        params = {**case.params, **scope}
        params |= await self._place(params, case)
        page = await self._ask({**params, "page_size": _SIZE})
        statements = len(self._database.asked)
        plans = await self._database.plans()
        taken = [await self._time({**params, "page_size": _SIZE}) for _ in range(repeats)]
        await self._ask({**params, "page_size": 200})
        return Result(
            case,
            namespace or "all namespaces",
            median(taken),
            page["total_size"],
            statements,
            len(self._database.asked),
            plans,
        )

    async def _place(self, params: Mapping[str, str], case: Case) -> dict[str, str]:
        """The token of the case's page; None for a first page."""
        token: dict[str, str] = {}
        before, with_metric = case.before, case.without_metric
        while before or with_metric:
            size = min(before, 200) or 200
            page = await self._ask({**params, **token, "page_size": size})
            assert page.get("next_page_token"), "the list is shorter"
            token, before = {"page_token": page["next_page_token"]}, max(0, before - size)
            with_metric = with_metric and bool(page["runs"][-1]["metrics"])
        return token

    async def _ask(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._database.asked.clear()
        answer = await self._http.get("/runs", params=params)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def _time(self, params: Mapping[str, Any]) -> float:
        began = time.perf_counter()
        answer = await self._http.get("/runs", params=params)
        assert answer.status_code == 200
        return (time.perf_counter() - began) * 1000


async def measured(dsn: str, count: int, repeats: int) -> list[Result]:
    """Fill the recorder's tables with `count` runs, and measure every case for the largest, the
    smallest and all namespaces."""
    async with open_database(
        dsn,
        "recorder",
        None,  # type: ignore[arg-type]  # nothing is published
        pool_size=2,
        packages=("headrace_recorder",),
    ) as database:
        await fill(dsn, count)
        watched = WatchedDatabase(database)
        app = http_app(watched, None, 60, TokenSigner("bench"))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://recorder",
            headers={HEADER: Access.everywhere().to_header()},
        ) as client:
            lists = Lists(client, watched)
            return [
                await lists.measure(case, namespace, repeats)
                for namespace in (_LARGEST, _SMALLEST, None)
                for case in CASES
                if case.before < count * NAMESPACES.get(namespace or "", 1) * WITH_METRICS
            ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-lists ARGS=", description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=21)
    options = parser.parse_args()
    began = time.monotonic()
    with postgres() as addresses:
        results = asyncio.run(measured(addresses["recorder"], options.runs, options.repeats))
    _show(results)
    console = Console(highlight=False)
    console.print(f"{options.runs} runs; {time.monotonic() - began:.0f} s in all")
    slow = [r for r in results if r.milliseconds >= GOAL_MS]
    console.print(f"slower than {GOAL_MS:.0f} ms: {', '.join(r.case.name for r in slow) or 'none'}")
    faults = [
        f"{result.of}, {result.case.name}: {fault}" for result in results for fault in result.faults
    ]
    for fault in faults:
        console.print(fault, soft_wrap=True)
    sys.exit(1 if faults else 0)


def _show(results: list[Result]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    shown = Table()
    for column in ("list", "of", "ms", "of the first page", "total", "statements"):
        shown.add_column(column, justify="left" if column in ("list", "of") else "right")
    first = {r.of: r.milliseconds for r in reversed(results)}
    for r in results:
        ratio = f"{r.milliseconds / first[r.of]:.1f}"
        shown.add_row(
            r.case.name, r.of, f"{r.milliseconds:.1f}", ratio, f"{r.total:,}", str(r.statements)
        )
    console.print(shown)
    for r in results:
        console.print(f"{r.of}, {r.case.name}:")
        for plan in r.plans:
            console.print(f"    {plan.shape}", soft_wrap=True)


if __name__ == "__main__":
    main()
