"""The recorder's lists: what each can be filtered and sorted by, and one page of it from Postgres.

A page takes a fixed number of statements: its rows, of the first page the total, of runs their
metrics. A list of runs that is sorted by a metric takes one more where the runs without it begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_runtime.lists.page import Arguments, Field, Kind, Listing, Page
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.pg.database import ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_recorder", "lists.sql")

METRIC = "metric:"
"""Before the name of the metric that runs are sorted by."""
COUNTED_TO = 10_000
"""Where counting stops that has to look at rows: some 20 ms of work."""
_KEPT_COUNTS = frozenset({"experiment_id", "recurring_run_id", "state", "archived"})
"""What runs are counted by as they change."""

_RUNS = {
    "run_id": Field("run_id", Kind.ID),
    "display_name": Field("display_name", Kind.TEXT),
    "description": Field("description", Kind.TEXT),
    "created_at": Field("created_at", Kind.TIME),
    "finished_at": Field("finished_at", Kind.TIME),
    "scheduled_at": Field("scheduled_at", Kind.TIME),
    "state": Field("state", Kind.TEXT),
    "archived": Field("archived", Kind.FLAG),
    "experiment_id": Field("experiment_id", Kind.ID),
    "recurring_run_id": Field("recurring_run_id", Kind.ID, sortable=False),
    "pipeline_id": Field("pipeline_id", Kind.ID, sortable=False),
    "pipeline_version_id": Field("pipeline_version_id", Kind.ID, sortable=False),
    "pipeline_name": Field("pipeline_name", Kind.TEXT),
}
_TASKS = {
    "task_id": Field("task_id", Kind.ID),
    "run_id": Field("run_id", Kind.ID, sortable=False),
    "parent_task_id": Field("(plan ->> 'parent_task_id')::uuid", Kind.ID, sortable=False),
    "name": Field("(plan ->> 'name')", Kind.TEXT, sortable=False),
    "state": Field("state", Kind.TEXT, sortable=False),
    "created_at": Field("created_at", Kind.TIME),
}
_ARTIFACTS = {
    "artifact_id": Field("artifact_id", Kind.ID),
    "name": Field("name", Kind.TEXT),
    "type": Field("type", Kind.TEXT, sortable=False),
    "uri": Field("uri", Kind.TEXT),
    "created_at": Field("created_at", Kind.TIME),
    "run_id": Field("run_id", Kind.ID, sortable=False),
    "task_id": Field("task_id", Kind.ID, sortable=False),
}
_ARTIFACT_TASKS = {
    "artifact_task_id": Field("artifact_task_id", Kind.ID),
    "artifact_id": Field("artifact_id", Kind.ID, sortable=False),
    "run_id": Field("run_id", Kind.ID, sortable=False),
    "task_id": Field("task_id", Kind.ID, sortable=False),
    "type": Field("type", Kind.TEXT, sortable=False),
}


class Listings:
    """All of them."""

    def __init__(self, signer: TokenSigner) -> None:
        self.runs = Listing("runs", _RUNS, "run_id", signer, sort_prefixes=(METRIC,))
        self.tasks = Listing("tasks", _TASKS, "task_id", signer, default_sort="created_at asc")
        self.artifacts = Listing("artifacts", _ARTIFACTS, "artifact_id", signer)
        self.artifact_tasks = Listing(
            "artifact_tasks",
            _ARTIFACT_TASKS,
            "artifact_task_id",
            signer,
            default_sort="artifact_task_id asc",
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one page, the token of the next one, and how many rows there are in all."""

    rows: list[Any]
    next_page_token: str | None
    total: int


async def runs(connection: ReadConnection, page: Page) -> Found:
    """A page of runs."""
    if page.sort_key.startswith(METRIC):
        rows = await _by_metric(connection, page)
    else:
        rows = await _fetch(connection, "runs", page)
    return _found(page, rows, await _total_of_runs(connection, page))


async def tasks(connection: ReadConnection, page: Page) -> Found:
    """A page of tasks."""
    rows = await _fetch(connection, "tasks", page)
    return _found(page, rows, await _bounded(connection, "count_of_tasks", page))


async def artifacts(connection: ReadConnection, page: Page) -> Found:
    """A page of artifacts."""
    rows = await _fetch(connection, "artifacts", page)
    return _found(page, rows, await _bounded(connection, "count_of_artifacts", page))


async def artifact_tasks(
    connection: ReadConnection, page: Page, visible: tuple[str, ...] | None
) -> Found:
    """A page of what tasks used and made, of the runs in the namespaces that are `visible`."""
    rows = await _fetch(connection, "artifact_tasks", page, visible)
    total = await _bounded(connection, "count_of_artifact_tasks", page, visible)
    return _found(page, rows, total)


def _found(page: Page, rows: list[Any], total: int) -> Found:
    """The token goes on after the last row that is shown. One row more was asked for than that."""
    shown = rows[: page.size]
    token = None
    if len(rows) > page.size:
        place = shown[-1]["place"]
        written = str(place) if isinstance(place, UUID) else place
        token = page.next_token(written, shown[-1][page.listing.key], total)
    return Found(shown, token, total)


async def _fetch(
    connection: ReadConnection, name: str, page: Page, visible: tuple[str, ...] | None = None
) -> list[Any]:
    arguments = Arguments()
    parts = {
        "sort": page.sort_sql,
        "where": f"{page.conditions(arguments)} AND {page.beyond(arguments)}",
        "order": page.order(),
        "order_of_found": page.order("place"),
        "limit": str(page.size + 1),
        "visible": _in(visible, arguments),
    }
    return await _rows(connection, _filled(name, parts), arguments)


async def _by_metric(connection: ReadConnection, page: Page) -> list[Any]:
    """The runs with the metric by its value, then those without it, newest first. Where the page
    before ended is a number among the former, and a moment among the latter."""
    wanted, rows = page.size + 1, []
    begun = page.after is not None and isinstance(page.after[0], str)
    if not begun:
        rows = await _with_metric(connection, page)
    if len(rows) < wanted:
        rows += await _without_metric(connection, page, wanted - len(rows), begun)
    return rows


async def _with_metric(connection: ReadConnection, page: Page) -> list[Any]:
    arguments = Arguments()
    told = [f"name = {arguments.add(page.sort_key.removeprefix(METRIC), Kind.TEXT)}"]
    if page.asked.namespace is not None:
        told.append(f"namespace = {arguments.add(page.asked.namespace, Kind.TEXT)}")
    told.append(page.beyond(arguments, "value"))
    parts = {
        "metric": " AND ".join(told),
        "where": page.conditions(arguments),
        "order": page.order("place"),
        "limit": str(page.size + 1),
    }
    return await _rows(connection, _filled("runs_with_metric", parts), arguments)


async def _without_metric(
    connection: ReadConnection, page: Page, limit: int, begun: bool
) -> list[Any]:
    arguments = Arguments()
    where = page.conditions(arguments)
    if begun:
        assert page.after is not None
        moment = arguments.add(datetime.fromisoformat(page.after[0]), Kind.TIME)
        identity = arguments.add(page.after[1], Kind.ID)
        where += f" AND (created_at, run_id) < ({moment}, {identity})"
    parts = {
        "metric": arguments.add(page.sort_key.removeprefix(METRIC), Kind.TEXT),
        "where": where,
        "limit": str(limit),
    }
    return await _rows(connection, _filled("runs_without_metric", parts), arguments)


async def _total_of_runs(connection: ReadConnection, page: Page) -> int:
    if page.total is not None:
        return page.total
    touched = {name for name, value in page.asked.where.items() if value is not None}
    if not touched | {predicate.key for predicate in page.predicates} <= _KEPT_COUNTS:
        return await _bounded(connection, "count_of_runs", page)
    arguments = Arguments()
    sql = _filled("kept_count_of_runs", {"where": page.conditions(arguments)})
    return int((await _rows(connection, sql, arguments))[0][0])


async def _bounded(
    connection: ReadConnection, name: str, page: Page, visible: tuple[str, ...] | None = None
) -> int:
    if page.total is not None:
        return page.total
    arguments = Arguments()
    parts = {
        "where": page.conditions(arguments),
        "limit": str(COUNTED_TO),
        "visible": _in(visible, arguments),
    }
    return int((await _rows(connection, _filled(name, parts), arguments))[0][0])


def _in(visible: tuple[str, ...] | None, arguments: Arguments) -> str:
    if visible is None:
        return "TRUE"
    return f"namespace = ANY({arguments.add(visible, Kind.TEXT, several=True)})"


def _filled(name: str, parts: Mapping[str, str]) -> str:
    sql = _QUERIES[name]
    for part, text in parts.items():
        sql = sql.replace(f"{{{part}}}", text)
    return sql


async def _rows(connection: ReadConnection, sql: str, arguments: Arguments) -> list[Any]:
    """Planned anew each time: which index serves best depends on the values, and a plan that is
    kept for all values may read the whole table for some."""
    statement = await connection.prepare(sql)
    return list(await statement.fetch(*arguments.values))
