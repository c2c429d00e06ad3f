"""An object store for every test of the launcher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.launches import Objects, serving


@pytest.fixture
def objects() -> Iterator[Objects]:
    """A running object store."""
    with serving() as running:
        yield running
