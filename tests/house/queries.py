"""The named queries of all packages, and the texts in their code that name queries."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from headrace_runtime.pg.queries import load_queries

from tests.house import tree

_NAME = re.compile(r"^-- [a-z0-9_]+ --$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """One named query."""

    package: str
    """The import name of the package that it belongs to, such as ``headrace_api``."""
    file: str
    """Its file, relative to the package's folder."""
    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.package}/{self.file}:{self.name}"


@cache
def all_queries() -> tuple[Query, ...]:
    """Every named query; migrations are not."""
    return tuple(
        query
        for package, folder in tree.packages().items()
        for file in sorted(folder.rglob("*.sql"))
        if file.parent.name != "migrations" and _NAME.search(file.read_text())
        for query in _queries_of(package, folder, file)
    )


def _queries_of(package: str, folder: Path, file: Path) -> Iterator[Query]:
    place = file.relative_to(folder)
    module = ".".join((package, *place.parent.parts))
    for name, sql in load_queries(module, file.name).items():
        yield Query(package, str(place), name, sql)


def is_used(query: Query) -> bool:
    """Whether code of the query's package names it: as a text, or as a text in an f-string."""
    texts, patterns = _texts(query.package)
    if query.name in texts:
        return True
    matches = (pattern.fullmatch(query.name) for pattern in patterns)
    return any(set(match.groups()) <= texts for match in matches if match)


@cache
def _texts(package: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    texts: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for path in tree.packages()[package].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns += _pattern(node)
    return frozenset(texts), tuple(patterns)


def _pattern(text: ast.JoinedStr) -> Iterator[re.Pattern[str]]:
    """What an f-string can be, when it can be a query's name."""
    parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in text.values]
    fixed = "".join(part for part in parts if part is not None)
    if re.fullmatch(r"[a-z0-9_]{3,}", fixed):
        yield re.compile("".join("(.+)" if part is None else re.escape(part) for part in parts))
