"""The check of effects in `conftest.py`, which runs in all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from headrace_runtime.pg.database import Unit

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api, Objects


async def test_an_effect_while_a_connection_is_held_is_noticed(api: Api, objects: Objects) -> None:
    async def work(unit: Unit) -> None:
        await objects.put("key", b"")

    with pytest.raises(AssertionError, match="an effect while a connection"):
        await api.database.transact(work)
    async with api.database.read():
        with pytest.raises(AssertionError, match="an effect while a connection"):
            await objects.get("key")
    await objects.put("key", b"")
