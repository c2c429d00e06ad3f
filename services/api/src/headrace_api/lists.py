"""The api's lists: what each can be filtered and sorted by, and how a page of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace_runtime.lists.page import Arguments, Family, Field, Kind, Listing, Page
from headrace_runtime.lists.tokens import TokenSigner
from headrace_runtime.pg.database import ReadConnection

_TAGS = {"tags.": Family("(tags ->> {name})", Kind.TEXT)}
_COMMON = {
    "namespace": Field("namespace", Kind.TEXT),
    "display_name": Field("display_name", Kind.TEXT),
    "description": Field("description", Kind.TEXT),
    "created_at": Field("created_at", Kind.TIME),
}
_EXPERIMENTS = {
    **_COMMON,
    "experiment_id": Field("experiment_id", Kind.ID),
    "archived": Field("archived", Kind.FLAG, sortable=False),
    "last_run_created_at": Field("last_run_created_at", Kind.TIME),
}
_PIPELINES = {
    **_COMMON,
    "pipeline_id": Field("pipeline_id", Kind.ID),
    "name": Field("name", Kind.TEXT),
}
_VERSIONS = {
    **{name: known for name, known in _COMMON.items() if name != "namespace"},
    "pipeline_version_id": Field("pipeline_version_id", Kind.ID),
    "pipeline_id": Field("pipeline_id", Kind.ID),
    "name": Field("name", Kind.TEXT),
}
_RECURRING = {
    "namespace": Field("namespace", Kind.TEXT),
    "recurring_run_id": Field("recurring_run_id", Kind.ID),
    "display_name": Field("(definition ->> 'display_name')", Kind.TEXT),
    "description": Field("coalesce(definition ->> 'description', '')", Kind.TEXT),
    "experiment_id": Field("(definition ->> 'experiment_id')", Kind.TEXT, sortable=False),
    "enabled": Field("enabled", Kind.FLAG, sortable=False),
    "created_at": Field("created_at", Kind.TIME),
    "updated_at": Field("updated_at", Kind.TIME),
}


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists, with page tokens of this deployment."""

    experiments: Listing
    pipelines: Listing
    versions: Listing
    recurring_runs: Listing

    @classmethod
    def signed(cls, secret: str) -> Lists:
        """The lists whose tokens are signed with a secret."""
        signer = TokenSigner(secret)
        return cls(
            experiments=Listing("experiments", _EXPERIMENTS, "experiment_id", signer),
            pipelines=Listing("pipelines", _PIPELINES, "pipeline_id", signer, families=_TAGS),
            versions=Listing(
                "pipeline versions", _VERSIONS, "pipeline_version_id", signer, families=_TAGS
            ),
            recurring_runs=Listing("recurring runs", _RECURRING, "recurring_run_id", signer),
        )


async def read_page(
    connection: ReadConnection, page: Page, queries: Mapping[str, str], name: str
) -> tuple[list[Any], dict[str, Any]]:
    """The rows of a page, and how the list goes on. The rows are counted with the first page
    alone; the query `name` finds them, ``count_`` with the name counts them."""
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
        token = page.next_token(last["place"], last[page.listing.key], total)
    return rows[: page.size], {"next_page_token": token, "total_size": total}
