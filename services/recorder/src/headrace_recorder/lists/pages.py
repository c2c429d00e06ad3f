"""The recorder's lists: their fields for filters and sorting, and their pages from Postgres.

A page takes a fixed number of statements: its rows, on the first page the total, for runs their
metrics. When runs are sorted by a metric, the page on which runs without it begin takes one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace_runtime.lists.page import Arguments, Field, Kind, ListDefinition, Page
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.pg.database import ReadConnection
from headrace_runtime.pg.queries import load_queries

_QUERIES = load_queries("headrace_recorder.lists")

METRIC = "metric:"
"""The prefix of `sort_by` that is followed by the name of a metric."""
COUNTED_TO = 10_000
"""Where a count of rows stops: about 20 ms of work."""
_COUNTED_FIELDS = frozenset({"experiment_id", "recurring_run_id", "state", "archived"})
"""The fields that the table `run_count` has precomputed counts for."""

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


class RecorderLists:
    """The definitions of all lists."""

    def __init__(self, signer: TokenSigner) -> None:
        self.runs = ListDefinition("runs", _RUNS, "run_id", signer, sort_prefixes=(METRIC,))
        self.tasks = ListDefinition(
            "tasks", _TASKS, "task_id", signer, default_sort="created_at asc"
        )
        self.artifacts = ListDefinition("artifacts", _ARTIFACTS, "artifact_id", signer)
        self.artifact_tasks = ListDefinition(
            "artifact_tasks",
            _ARTIFACT_TASKS,
            "artifact_task_id",
            signer,
            default_sort="artifact_task_id asc",
        )


@dataclass(frozen=True, slots=True)
class RowsOfPage:
    """The rows of one page, the token of the next page, and the number of rows in the list."""

    rows: list[Any]
    next_page_token: str | None
    total: int


async def runs(connection: ReadConnection, page: Page) -> RowsOfPage:
    """A page of runs."""
    if page.sort_key.startswith(METRIC):
        rows = await _by_metric(connection, page)
    else:
        rows = await _fetch(connection, "runs", page)
    return _rows_of_page(page, rows, await _total_of_runs(connection, page))


async def tasks(connection: ReadConnection, page: Page) -> RowsOfPage:
    """A page of tasks."""
    rows = await _fetch(connection, "tasks", page)
    return _rows_of_page(page, rows, await _count(connection, "count_of_tasks", page))


async def artifacts(connection: ReadConnection, page: Page) -> RowsOfPage:
    """A page of artifacts."""
    rows = await _fetch(connection, "artifacts", page)
    return _rows_of_page(page, rows, await _count(connection, "count_of_artifacts", page))


async def artifact_tasks(
    connection: ReadConnection, page: Page, visible: tuple[str, ...] | None
) -> RowsOfPage:
    """A page of the inputs and outputs of tasks, of runs in the `visible` namespaces."""
    rows = await _fetch(connection, "artifact_tasks", page, visible)
    total = await _count(connection, "count_of_artifact_tasks", page, visible)
    return _rows_of_page(page, rows, total)


def _rows_of_page(page: Page, rows: list[Any], total: int) -> RowsOfPage:
    """`rows` has one row more than the page if there is a next page."""
    shown = rows[: page.size]
    token = None
    if len(rows) > page.size:
        value = shown[-1]["sorted_by"]
        value = str(value) if isinstance(value, UUID) else value
        token = page.next_token(value, shown[-1][page.definition.key], total)
    return RowsOfPage(shown, token, total)


async def _fetch(
    connection: ReadConnection, name: str, page: Page, visible: tuple[str, ...] | None = None
) -> list[Any]:
    arguments = Arguments()
    parts = {
        "sort": page.sort_sql,
        "where": f"{page.conditions(arguments)} AND {page.beyond(arguments)}",
        "order": page.order(),
        "order_of_found": page.order("sorted_by"),
        "limit": str(page.size + 1),
        "visible": _among(visible, arguments),
    }
    return await _rows(connection, _fill(name, parts), arguments)


async def _by_metric(connection: ReadConnection, page: Page) -> list[Any]:
    """The runs with the metric by its value, then those without it, newest first. The page token
    holds a number among the former, and a time (a string) among the latter."""
    limit, rows = page.size + 1, []
    after_metric = page.after is not None and isinstance(page.after[0], str)
    if not after_metric:
        rows = await _with_metric(connection, page)
    if len(rows) < limit:
        rows += await _without_metric(connection, page, limit - len(rows), after_metric)
    return rows


async def _with_metric(connection: ReadConnection, page: Page) -> list[Any]:
    arguments = Arguments()
    metric = [f"name = {arguments.add(page.sort_key.removeprefix(METRIC), Kind.TEXT)}"]
    if page.request.namespace is not None:
        metric.append(f"namespace = {arguments.add(page.request.namespace, Kind.TEXT)}")
    metric.append(page.beyond(arguments, "value"))
    parts = {
        "metric": " AND ".join(metric),
        "where": page.conditions(arguments),
        "order": page.order("sorted_by"),
        "limit": str(page.size + 1),
    }
    return await _rows(connection, _fill("runs_with_metric", parts), arguments)


async def _without_metric(
    connection: ReadConnection, page: Page, limit: int, after_metric: bool
) -> list[Any]:
    arguments = Arguments()
    where = page.conditions(arguments)
    if after_metric:
        assert page.after is not None
        created_at = arguments.add(datetime.fromisoformat(page.after[0]), Kind.TIME)
        run_id = arguments.add(page.after[1], Kind.ID)
        where += f" AND (created_at, run_id) < ({created_at}, {run_id})"
    parts = {
        "metric": arguments.add(page.sort_key.removeprefix(METRIC), Kind.TEXT),
        "where": where,
        "limit": str(limit),
    }
    return await _rows(connection, _fill("runs_without_metric", parts), arguments)


async def _total_of_runs(connection: ReadConnection, page: Page) -> int:
    if page.total is not None:
        return page.total
    fields = {name for name, value in page.request.where.items() if value is not None}
    fields |= {predicate.key for predicate in page.predicates}
    if not fields <= _COUNTED_FIELDS:
        return await _count(connection, "count_of_runs", page)
    arguments = Arguments()
    sql = _fill("precomputed_count_of_runs", {"where": page.conditions(arguments)})
    return int((await _rows(connection, sql, arguments))[0][0])


async def _count(
    connection: ReadConnection, name: str, page: Page, visible: tuple[str, ...] | None = None
) -> int:
    if page.total is not None:
        return page.total
    arguments = Arguments()
    parts = {
        "where": page.conditions(arguments),
        "limit": str(COUNTED_TO),
        "visible": _among(visible, arguments),
    }
    return int((await _rows(connection, _fill(name, parts), arguments))[0][0])


def _among(visible: tuple[str, ...] | None, arguments: Arguments) -> str:
    if visible is None:
        return "TRUE"
    return f"namespace = ANY({arguments.add(visible, Kind.TEXT, several=True)})"


def _fill(name: str, parts: Mapping[str, str]) -> str:
    sql = _QUERIES[name]
    for part, text in parts.items():
        sql = sql.replace(f"{{{part}}}", text)
    return sql


async def _rows(connection: ReadConnection, sql: str, arguments: Arguments) -> list[Any]:
    """Prepares the statement for each call: the best index depends on the values, and a cached
    generic plan may scan the whole table for some of them."""
    statement = await connection.prepare(sql)
    return list(await statement.fetch(*arguments.values))
