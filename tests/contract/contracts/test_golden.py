"""Published messages can be parsed forever, with the same meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from headrace_contracts import schema
from headrace_contracts.base import Contract
from headrace_contracts.launches import LaunchFile, Progress, ResultManifest
from headrace_contracts.messages.commands import COMMAND
from headrace_contracts.messages.events import EVENT
from pydantic import TypeAdapter, ValidationError

GOLDEN = Path(__file__).parent / "golden"
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "events": EVENT,
    "commands": COMMAND,
    "launches/LaunchFile": TypeAdapter(LaunchFile),
    "launches/Progress": TypeAdapter(Progress),
    "launches/ResultManifest": TypeAdapter(ResultManifest),
}
NAMES = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.json"))
MESSAGES = [name for name in NAMES if not name.startswith("launches/")]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


def read(name: str, value: Any) -> Contract:
    adapter = ADAPTERS.get(name.split(".")[0]) or ADAPTERS[name.split("/")[0]]
    message: Contract = adapter.validate_json(json.dumps(value))
    return message


def test_every_message_has_an_example() -> None:
    assert set(NAMES) == {n for n in schema.schemas() if not n.startswith("resources/")}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_parsed_and_written_unchanged(name: str) -> None:
    assert json.loads(read(name, golden(name)).to_json()) == golden(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_matches_its_schema(name: str) -> None:
    jsonschema.validate(
        golden(name),
        schema.schemas()[name],
        cls=jsonschema.Draft202012Validator,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


@pytest.mark.parametrize("name", [n for n in NAMES if n != "commands/run.submit.v1.json"])
def test_fields_of_a_newer_publisher_are_ignored(name: str) -> None:
    newer = {**golden(name), "added_later": {"deep": [1]}}
    assert read(name, newer) == read(name, golden(name))


def test_a_submission_with_an_unknown_field_is_rejected_by_name() -> None:
    newer = {**golden("commands/run.submit.v1.json"), "parameter": {}}
    with pytest.raises(ValidationError) as caught:
        read("commands/run.submit.v1.json", newer)
    assert [detail["loc"][-1] for detail in caught.value.errors()] == ["parameter"]


@pytest.mark.parametrize("adapter", [EVENT, COMMAND])
def test_an_unknown_type_differs_from_an_invalid_body(adapter: TypeAdapter[Any]) -> None:
    with pytest.raises(ValidationError) as unknown:
        adapter.validate_json('{"type": "run.forgotten", "v": 1}')
    assert [detail["type"] for detail in unknown.value.errors()] == ["union_tag_invalid"]
    with pytest.raises(ValidationError) as broken:
        adapter.validate_json('{"v": 1}')
    assert [detail["type"] for detail in broken.value.errors()] == ["union_tag_not_found"]


@pytest.mark.parametrize("name", MESSAGES)
def test_another_version_is_rejected(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(name, {**golden(name), "v": 2})
    assert [detail["loc"][-1] for detail in caught.value.errors()] == ["v"]


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_frozen(name: str) -> None:
    with pytest.raises(ValidationError):
        read(name, golden(name)).v = 2  # type: ignore[attr-defined]
