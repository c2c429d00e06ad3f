"""The packages of both SDKs come to the same: of sources that have all constructs together, and of
those that show what executors of Python components do."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace.client import Client

from tests.mutual.constructs import selection
from tests.mutual.known import KNOWN
from tests.mutual.runs import compare_all
from tests.mutual.sources import Source, hindrance, sources
from tests.support.deployment import Deployment

_ALWAYS = ("differential.executing.", "differential.failing.")


@pytest.fixture(scope="module")
def executable(compiled: dict[str, Path]) -> list[Source]:
    """What can be executed here."""
    return [source for source in sources(compiled) if hindrance(source.ir) is None]


@pytest.mark.e2e
def test_both_sdks_come_to_the_same(deployment: Deployment, executable: list[Source]) -> None:
    always = [source for source in executable if source.name.startswith(_ALWAYS)]
    others = [source for source in executable if not source.name.startswith(_ALWAYS)]
    with Client(deployment.url) as client:
        comparisons = compare_all(client, [*always, *selection(others)])
    assert not [f"{each.name}: {line}" for each in comparisons for line in each.differences]
    assert set().union(*(each.known for each in comparisons)) == {each.reason for each in KNOWN}
    ended = [each.ended for each in comparisons]
    assert ended.count("SUCCEEDED") > len(ended) / 3
    assert not [each.name for each in comparisons if each.ended == "TIMEOUT"]
