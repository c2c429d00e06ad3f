"""The catalogue of messages is current, and names the right publishers and readers."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from headrace_contracts import catalogue, schema
from headrace_contracts.base import Contract
from headrace_contracts.messages import commands, events

SERVICES = Path(__file__).parents[3] / "services"
MODELS = [*schema.EVENTS, *schema.COMMANDS]


@cache
def code() -> dict[str, str]:
    """The lines of each service that can create a message: neither imports nor cases."""
    lines: dict[str, list[str]] = {}
    for path in SERVICES.rglob("*.py"):
        found = lines.setdefault(path.relative_to(SERVICES).parts[0], [])
        for line in path.read_text().splitlines():
            if "import" not in line and "case " not in line:
                found.append(line)
    return {service: "\n".join(found) for service, found in lines.items()}


def creators_of(model: type[Contract]) -> set[str]:
    """The services whose code creates messages of this type."""
    creates = re.compile(rf"\b{model.__name__}\b(?![^\S\n]*[:|\]])")
    return {service for service, lines in code().items() if creates.search(lines)}


page = cache(catalogue.page)


def test_the_catalogue_is_current() -> None:
    assert catalogue.PAGE.read_text() == catalogue.page(), "run `make schema`"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_message_has_a_subject_a_publisher_and_a_meaning(model: type[Contract]) -> None:
    kind = model.model_fields["type"].default
    section = page().split(f"### `{kind}`\n", 1)[1].split("\n### ", 1)[0]
    assert section.strip().splitlines()[0].endswith(".")
    assert f"published by {catalogue.publisher(model)}" in section
    for name in model.model_fields.keys() - {"type", "v"}:
        assert f"| `{name}` |" in section


@pytest.mark.parametrize("model", schema.EVENTS, ids=lambda model: model.__name__)
def test_the_code_of_the_publisher_creates_it(model: type[Contract]) -> None:
    assert catalogue.publisher(model) in creators_of(model)


def test_publishers_and_readers() -> None:
    assert catalogue.publisher(events.RunCancelRequested) == "api"
    assert catalogue.publisher(events.RunCanceled) == "scheduler"
    assert catalogue.publisher(events.AttemptStarted) == "executor"
    assert catalogue.publisher(commands.LaunchAttempt) == "scheduler"
    assert catalogue.readers(commands.LaunchAttempt) == ["executor"]
    assert catalogue.readers(commands.SubmitRun) == ["api"]
    assert catalogue.readers(events.AttemptStarted) == ["recorder"]
    assert set(catalogue.readers(events.RunSucceeded)) == {"api", "recorder"}
