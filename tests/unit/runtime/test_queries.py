"""The SQL file reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace_runtime.pg.queries import load_queries


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "sql_" + tmp_path.name.replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_each_name_starts_a_query(tmp_path: Path, package: str) -> None:
    text = "-- first --\n-- Why.\nSELECT 1\n\n-- second_2 --\nSELECT '-- third --'\n"
    (tmp_path / package / "queries.sql").write_text(text)
    assert load_queries(package) == {
        "first": "-- Why.\nSELECT 1",
        "second_2": "SELECT '-- third --'",
    }


def test_a_duplicate_name_is_rejected(tmp_path: Path, package: str) -> None:
    (tmp_path / package / "other.sql").write_text("-- one --\nSELECT 1\n-- one --\nSELECT 2\n")
    with pytest.raises(ValueError, match=r"other\.sql has two queries named one"):
        load_queries(package, "other.sql")


def test_queries_cannot_be_changed(tmp_path: Path, package: str) -> None:
    (tmp_path / package / "queries.sql").write_text("-- one --\nSELECT 1")
    with pytest.raises(TypeError):
        load_queries(package)["one"] = "SELECT 2"  # type: ignore[index]
