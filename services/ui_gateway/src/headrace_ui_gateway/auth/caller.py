"""Who asks: known to every part of the gateway that works on one request."""

from __future__ import annotations

from contextvars import ContextVar

from headrace_contracts.access import Access

from headrace_ui_gateway.auth.rules.principals import NOBODY, Principal

ACCESS: ContextVar[Access] = ContextVar("access", default=Access())  # noqa: B039 - frozen
"""What the caller of the request in hand may do; outside of a request, nothing."""
CALLER: ContextVar[Principal] = ContextVar("caller", default=NOBODY)
"""Who he is."""
