"""Reads and changes the limits of namespaces."""

from __future__ import annotations

from headrace_contracts.access import Access, Role
from headrace_contracts.resources import NamespaceLimits
from headrace_runtime.access import require_role
from headrace_runtime.pg.database import Database, Unit

from headrace_api.limits import store


class Limits:
    """Limits of namespaces. Reading needs the role VIEWER, changing ADMIN; without the role, calls
    raise `RejectedError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Access, namespace: str) -> NamespaceLimits:
        """The limits of a namespace."""
        require_role(caller, Role.VIEWER, namespace)
        async with self._database.read() as connection:
            limits = await store.limits(connection, None, namespace)
        return NamespaceLimits(namespace=namespace, max_active_runs=limits.namespace)

    async def set(
        self, caller: Access, namespace: str, max_active_runs: int | None
    ) -> NamespaceLimits:
        """Set the limit of a namespace; None removes it. Active runs continue."""
        require_role(caller, Role.ADMIN, namespace)

        async def work(unit: Unit) -> None:
            await store.set_namespace_limit(unit.connection, namespace, max_active_runs)

        await self._database.transact(work)
        return NamespaceLimits(namespace=namespace, max_active_runs=max_active_runs)
