"""Each case of the suite on a deployment. All selected cases are submitted at once, since a run
mostly waits; each test then checks its own case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest
from headrace.client import Client

from tests.conformance.compile import modules
from tests.conformance.runs import Outcome, check_case, together
from tests.conformance.suite import compiled
from tests.differential.switch import switch
from tests.support.deployment import Deployment
from tests.support.selection import selected

pytestmark = pytest.mark.e2e


def _names() -> list[str]:
    """The names of all cases; the real `kfp` is not needed to list them."""
    switch("headrace")
    return [case.pipeline.name for module in modules() for case in module.CASES]


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, deployment: Deployment
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """The outcome of each selected case, by its name."""
    packages, cases = compiled()
    with Client(deployment.url) as client:

        def check(name: str) -> Outcome:
            return check_case(client, name, packages[name], cases[name])

        with together(check, selected(request, "case")) as started:
            yield started


@pytest.mark.parametrize("case", _names())
def test_a_case_ends_as_expected(outcomes: Mapping[str, Future[Outcome]], case: str) -> None:
    assert outcomes[case].result().differences == []
