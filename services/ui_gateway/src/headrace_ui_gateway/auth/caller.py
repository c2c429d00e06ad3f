"""The caller of the current request, for all code that handles it."""

from __future__ import annotations

from contextvars import ContextVar

from headrace_contracts.access import Access

from headrace_ui_gateway.auth.rules.principals import ANONYMOUS, Principal

ACCESS: ContextVar[Access] = ContextVar("access", default=Access())  # noqa: B039 - frozen
"""The caller's access rights; none outside of a request."""
CALLER: ContextVar[Principal] = ContextVar("caller", default=ANONYMOUS)
"""The caller."""
