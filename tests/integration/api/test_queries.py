"""Every query fits the schema, and is used."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import headrace_api
import pytest
from headrace_runtime.pg.queries import load_queries

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

FILES = sorted(
    path.name for path in files("headrace_api").iterdir() if path.name.endswith(".sql")
)  # fmt: skip
PARTS = {"{sort}": "created_at", "{where}": "TRUE", "{order}": "created_at", "{limit}": "1"}


@pytest.mark.parametrize("name", FILES)
async def test_every_query_fits_the_schema(api: Api, name: str) -> None:
    async with api.database.read() as connection:
        for sql in load_queries("headrace_api", name).values():
            for part, text in PARTS.items():
                sql = sql.replace(part, text)
            await connection.prepare(sql)


def test_every_query_is_used() -> None:
    code = "".join(path.read_text() for path in Path(headrace_api.__file__).parent.glob("*.py"))
    for name in FILES:
        for query in load_queries("headrace_api", name):
            assert f'"{query.removeprefix("count_")}"' in code, query
