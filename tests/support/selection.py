"""The parametrized cases of a module that pytest has selected, for example with ``-k``."""

from __future__ import annotations

import pytest


def selected(request: pytest.FixtureRequest, parameter: str) -> list[str]:
    """The values of `parameter` (texts) of the selected tests in the requesting module."""
    module = request.node.path if isinstance(request.node, pytest.Module) else request.path
    calls = (
        item.callspec
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == module and hasattr(item, "callspec")
    )
    return list(
        dict.fromkeys(str(call.params[parameter]) for call in calls if parameter in call.params)
    )
