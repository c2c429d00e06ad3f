"""What tracked files must not contain: SQL outside of ``.sql`` files, addresses of package
registries, and paths of a developer's machine. Tests may have SQL of their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.house import tree

_STATEMENT = re.compile(
    r"\b(SELECT\s.*\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|TRUNCATE\s|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|ROLE|TYPE|FUNCTION|TRIGGER|VIEW|DATABASE)|"
    r"GRANT\s+\w+\s+ON|(LISTEN|NOTIFY)\s+\w|SET\s+LOCAL|ORDER\s+BY\s|RETURNING\s|LIMIT\s+\$)",
    flags=re.DOTALL,
)
_REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("conda", "anaconda", "org"),
    )
)
_MACHINE_PATH = re.compile(r"(?<![\w.$}>*-])/(root|home|work|Users|opt/pypi[\w-]*)/[\w.-]+")


def test_sql_is_only_in_sql_files() -> None:
    found = []
    for path in tree.code():
        if path.suffix == ".py" and path.parts[0] in tree.SOURCES:
            found += [f"{path}:{line}" for line in _statements(path)]
    assert found == []


def _statements(path: PurePosixPath) -> Iterator[int]:
    """The lines of texts with a statement of SQL; docstrings are none."""
    module = ast.parse(tree.text(path) or "")
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and _STATEMENT.search(node.value):
            yield node.lineno


def test_no_file_names_a_package_registry() -> None:
    assert list(_lines_with(re.compile("|".join(map(re.escape, _REGISTRIES))))) == []


def test_no_file_names_a_path_of_a_developers_machine() -> None:
    assert list(_lines_with(_MACHINE_PATH)) == []


def _lines_with(pattern: re.Pattern[str]) -> Iterator[str]:
    for path in tree.tracked():
        for number, line in enumerate((tree.text(path) or "").splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()[:120]}"


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT run_id\nFROM run", True),
        ("INSERT INTO run VALUES ($1)", True),
        ("UPDATE run SET state = $1", True),
        ("created_at DESC ORDER BY 1", True),
        ("SET LOCAL lock_timeout = '1s'", True),
        ("Select a run from the list", False),
        ("UPDATE", False),
    ],
)
def test_a_statement_of_sql_is_recognized(text: str, is_sql: bool) -> None:
    assert bool(_STATEMENT.search(text)) == is_sql


@pytest.mark.parametrize(
    ("text", "is_machine_path"),
    [
        ("see " + "/home/" + "me/project", True),
        ("file://" + "/root/" + "x", True),
        ("$HOME/home/me", False),
        ("s3://bucket/work/x", False),
        ("/api/v1/home", False),
    ],
)
def test_a_path_of_a_machine_is_recognized(text: str, is_machine_path: bool) -> None:
    assert bool(_MACHINE_PATH.search(text)) == is_machine_path
