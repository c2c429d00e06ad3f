"""The sizes of files and folders, and the names of migrations."""

from __future__ import annotations

import re
from collections import Counter

from tests.house import tree

MAX_LINES = 450
MAX_FILES = 15
_MIGRATION = re.compile(r"(?P<number>\d{4})_(pre|post)_[a-z0-9]+(_[a-z0-9]+)*\.sql")


def test_no_source_file_is_long() -> None:
    sizes = {path: (tree.text(path) or "").count("\n") for path in tree.code()}
    assert {str(path): size for path, size in sizes.items() if size > MAX_LINES} == {}


def test_no_folder_holds_many_source_files() -> None:
    """Migrations are the exception: their number grows with the age of the schema."""
    counts = Counter(path.parent for path in tree.code() if path.parent.name != "migrations")
    assert {str(folder): size for folder, size in counts.items() if size > MAX_FILES} == {}


def test_migrations_are_numbered_and_say_when_they_are_applied() -> None:
    """``0001_pre_add_x.sql`` or ``0002_post_drop_y.sql``, without gaps in the numbers."""
    by_folder: dict[str, list[str]] = {}
    for path in tree.code():
        if path.parent.name == "migrations" and path.suffix == ".sql":
            by_folder.setdefault(str(path.parent), []).append(path.name)
    assert by_folder
    wrong = {}
    for folder, names in by_folder.items():
        matches = [_MIGRATION.fullmatch(name) for name in sorted(names)]
        numbers = [int(match["number"]) for match in matches if match]
        if numbers != list(range(1, len(names) + 1)):
            wrong[folder] = sorted(names)
    assert wrong == {}
