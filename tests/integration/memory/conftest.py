"""The real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers, started on demand."""
    made = Servers()
    try:
        yield made
    finally:
        made.remove()
