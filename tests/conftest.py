"""What several folders of tests share: made once, for all that do not break it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.suite import compile_with_both
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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of what kfp and Headrace made of the suites of pipelines."""
    return compile_with_both(tmp_path_factory.mktemp("differential"))
