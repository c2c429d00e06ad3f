"""What the stores share: types of connections and scopes, and how a page of a list is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace_runtime.lists.page import Arguments, Field, Kind, Page
from headrace_runtime.pg.database import Connection, ReadConnection

AnyConnection = Connection | ReadConnection
Scope = tuple[str, ...] | None
"""The namespaces in which an object is looked up; None means all of them."""

NAMESPACE_FIELD = {"namespace": Field("namespace", Kind.TEXT)}
DESCRIPTION_FIELDS = {
    "display_name": Field("display_name", Kind.TEXT),
    "description": Field("description", Kind.TEXT),
    "created_at": Field("created_at", Kind.TIME),
}
"""Fields by which a list is filtered and sorted, where a table has columns of these names."""


async def read_page(
    connection: ReadConnection, page: Page, queries: Mapping[str, str], name: str
) -> tuple[list[Any], dict[str, Any]]:
    """The rows of a page, and the fields of the response that describe the rest of the list.

    The query `name` selects the rows, and the query ``count_<name>`` counts the whole list. Only
    the first page counts; its page token carries the total to the following pages.
    """
    sql, arguments = page.statement(queries[name])
    rows = await connection.fetch(sql, *arguments)
    total, token = page.total, None
    if total is None:
        counted = Arguments()
        where = page.conditions(counted)
        sql = queries[f"count_{name}"].replace("{where}", where)
        total = await connection.fetchval(sql, *counted.values)
    if len(rows) > page.size:
        last = rows[page.size - 1]
        token = page.next_token(last["place"], last[page.definition.key], total)
    return rows[: page.size], {"next_page_token": token, "total_size": total}
