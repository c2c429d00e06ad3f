"""Named queries in SQL files: ``-- name --`` starts one, the next comment states its purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- ([a-z0-9_]+) --$", re.MULTILINE)


def load_queries(package: str, name: str = "queries.sql") -> Mapping[str, str]:
    """The queries of one file of a package, by name.

    Raises:
        ValueError: two queries have the same name.
    """
    parts = _NAME.split(files(package).joinpath(name).read_text())
    queries: dict[str, str] = {}
    for key, sql in zip(parts[1::2], parts[2::2], strict=True):
        if key in queries:
            raise ValueError(f"{package}/{name} has two queries named {key}")
        queries[key] = sql.strip()
    return MappingProxyType(queries)
