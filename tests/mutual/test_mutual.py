"""The packages that both SDKs compile from one source have the same results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest
from headrace.client import Client

from tests.conformance.runs import together
from tests.mutual.constructs import constructs
from tests.mutual.known import KNOWN
from tests.mutual.runs import Comparison, compare
from tests.mutual.selection import chosen, committed
from tests.mutual.sources import Source, hindrance, sources
from tests.support.deployment import Deployment
from tests.support.selection import selected

Comparisons = Mapping[str, Future[Comparison]]


@pytest.fixture(scope="module")
def executable(compiled: dict[str, Path]) -> dict[str, Source]:
    """The sources that can be executed here, by their names."""
    return {source.name: source for source in sources(compiled) if hindrance(source.ir) is None}


@pytest.fixture(scope="module")
def comparisons(
    request: pytest.FixtureRequest, deployment: Deployment, executable: dict[str, Source]
) -> Iterator[Comparisons]:
    """The comparison of each selected source. All start at once, since a run mostly waits."""
    with Client(deployment.url) as client:

        def check(name: str) -> Comparison:
            return compare(client, executable[name])

        with together(check, selected(request, "source")) as started:
            yield started


def test_the_committed_sources_have_every_construct(executable: dict[str, Source]) -> None:
    names = committed()
    assert [name for name in names if name not in executable] == []
    wanted, found = (
        set().union(*(constructs(executable[name].packages["kfp"]) for name in each))
        for each in (chosen(list(executable.values())), names)
    )
    assert wanted - found == set(), "run: make mutual ARGS=--select"


@pytest.mark.e2e
@pytest.mark.parametrize("source", committed())
def test_both_packages_have_the_same_result(comparisons: Comparisons, source: str) -> None:
    comparison = comparisons[source].result()
    assert [str(difference) for difference in comparison.differences] == []
    assert comparison.ended != "TIMEOUT"


@pytest.mark.e2e
def test_the_sources_show_success_and_every_known_difference(comparisons: Comparisons) -> None:
    if set(comparisons) != set(committed()):
        pytest.skip("only some sources are selected")
    found = [future.result() for future in comparisons.values()]
    assert set().union(*(each.known for each in found)) == {each.reason for each in KNOWN}
    assert [each.ended for each in found].count("SUCCEEDED") > len(found) / 3
