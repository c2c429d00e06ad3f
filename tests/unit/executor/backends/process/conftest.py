"""A process backend, and the object store that it grants rights to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from headrace_executor.backends.process.backend import ProcessBackend

from tests.support.launches import Objects, Settings, Store, serving


@pytest.fixture
def objects() -> Iterator[Objects]:
    with serving() as running:
        yield running


@pytest.fixture
async def backend(tmp_path: Path, objects: Objects) -> AsyncIterator[ProcessBackend]:
    made = ProcessBackend(Settings(tmp_path), Store(objects), "test")  # type: ignore[arg-type]
    yield made
    await made.close()
