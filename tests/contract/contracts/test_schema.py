"""The committed schemas are current, and changes of published ones are recorded."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from headrace_contracts import recurring, resources, schema
from headrace_contracts.base import Contract

CHANGES = schema.FOLDER.parent / "CHANGES.md"
ENTRY = re.compile(r"^## (?P<date>\d{4}-\d\d-\d\d)$", re.MULTILINE)
DIGEST = re.compile(r"^\| `(?P<name>[^`]+)` \| `(?P<digest>[0-9a-f]{16})` \|$", re.MULTILINE)

SCHEMAS = schema.schemas()
MESSAGES = sorted(name for name in SCHEMAS if not name.startswith("resources/"))


def entries() -> list[tuple[str, str]]:
    """The entries of CHANGES.md, newest first: date and text."""
    parts = ENTRY.split(CHANGES.read_text())
    return list(zip(parts[1::2], parts[2::2], strict=True))


def recorded() -> dict[str, str]:
    """The newest recorded digest of each schema."""
    found: dict[str, str] = {}
    for _, text in entries():
        for match in DIGEST.finditer(text):
            found.setdefault(match["name"], match["digest"])
    return found


def test_the_committed_schemas_are_current() -> None:
    committed = {
        path.relative_to(schema.FOLDER).as_posix(): path.read_text()
        for path in schema.FOLDER.rglob("*.json")
    }
    current = {name: schema.text(value) for name, value in schema.schemas().items()}
    stale = sorted(name for name in committed | current if committed.get(name) != current.get(name))
    assert not stale, "run `python -m headrace_contracts.schema`"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_changed_message_has_an_entry_in_the_changes(name: str) -> None:
    digest = schema.digest(SCHEMAS[name])
    assert recorded().get(name) == digest, (
        f"say in {CHANGES.name} what changed, with the row: | `{name}` | `{digest}` |"
    )


def test_no_published_message_is_removed() -> None:
    assert set(recorded()) <= set(MESSAGES)


def test_entries_are_dated_newest_first_and_have_text() -> None:
    dates = [date for date, _ in entries()]
    assert dates == sorted(dates, reverse=True)
    for date, text in entries():
        prose = [line for line in text.splitlines() if line and not line.startswith("|")]
        assert prose, f"the entry of {date} has digests but no words"


def test_the_digest_covers_constraints_but_not_annotations() -> None:
    plain = {"type": "object", "properties": {"title": {"type": "string"}}}
    told = {**plain, "title": "A thing", "description": "What it is."}
    stricter = {**plain, "required": ["title"]}
    renamed = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert schema.digest(plain) == schema.digest(told)
    assert len({schema.digest(s) for s in (plain, stricter, renamed)}) == 3


def test_every_resource_has_a_schema() -> None:
    parts = {
        resources.Page,
        resources.StateChange,
        recurring.Trigger,
        recurring.SubmissionError,
    }
    defined = {
        value
        for module in (resources, recurring)
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Contract) and value.__module__ == module.__name__
    }
    assert defined - parts == set(schema.RESOURCES)


def test_writing_removes_obsolete_schemas(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "run.forgotten.v1.json").write_text("{}")
    schema.write(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")}
    assert written == set(schema.schemas())
    assert json.loads((tmp_path / "resources/Run.json").read_text())["title"] == "Run"
