"""Fixtures that several folders of tests share, and the order of tests in parallel runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from hypothesis import HealthCheck, settings

from tests.differential.suite import compile_with_both
from tests.support.deployment import ROOT, Deployment, running

# A busy machine may take long for one example.
settings.register_profile("any_speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_speed")

SLOWEST_FIRST = (
    "tests/chaos/test_chaos.py",
    "tests/e2e/runs/test_survival.py",
    "tests/e2e/examples",
    "tests/e2e",
    "tests/conformance",
    "tests/mutual",
    "tests/integration",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In parallel, files that take long start first, so that no worker ends long after another.

    The workers of pytest-xdist have to agree on the order.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    path = PurePath(item.path).relative_to(ROOT)
    ranks = (at for at, place in enumerate(SLOWEST_FIRST) if path.is_relative_to(place))
    return next(ranks, len(SLOWEST_FIRST))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Binary values have IDs without their content: archives have the time in them, and the
    workers of pytest-xdist have to collect the same IDs."""
    if isinstance(val, bytes) and not val.decode("latin-1").isprintable():
        return f"{argname}-{len(val)}-bytes"
    return None


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """A running deployment; each worker of a parallel run has its own."""
    with running() as made:
        yield made


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of what kfp and Headrace compiled from the suites of pipelines, by SDK."""
    return compile_with_both(tmp_path_factory.mktemp("differential"))
