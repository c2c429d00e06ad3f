"""One deployment for all end-to-end tests that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """A running deployment."""
    made = Deployment()
    try:
        made.up()
        yield made
    finally:
        made.remove()
