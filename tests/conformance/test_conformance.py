"""The suite on the tests' deployment; all of it at once, since the machine is mostly waiting."""

from __future__ import annotations

import pytest
from headrace.client import Client

from tests.conformance.__main__ import run_suite
from tests.support.deployment import Deployment

pytestmark = pytest.mark.e2e


def test_every_case_is_as_expected(deployment: Deployment) -> None:
    with Client(deployment.url) as client:
        _, outcomes = run_suite(client)
    assert len(outcomes) > 1
    assert not [f"{o.name}: {d}" for o in outcomes for d in o.differences]
