"""Composition root of the executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from headrace_contracts.messages.commands import ATTEMPT_COMMAND
from headrace_contracts.messages.subjects import executor_commands
from headrace_runtime.objects import ObjectStore
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_executor.backends.port import Backend
from headrace_executor.backends.process.backend import open_process_backend
from headrace_executor.handlers import Handlers
from headrace_executor.runner import Runner
from headrace_executor.settings import Settings

_BACKENDS: Mapping[str, Callable[[Settings, ObjectStore], AbstractAsyncContextManager[Backend]]] = {
    "process": open_process_backend
}
"""How each backend of the setting `backend` is opened."""


async def serve(settings: Settings) -> None:
    """Run the executor until it is stopped. Running steps go on, and are adopted by the next
    executor."""
    async with open_service("executor", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_executor")
        async with _BACKENDS[settings.backend](settings, objects) as backend:
            runner = Runner(database, backend, settings.lease_seconds, settings.transfers)
            handlers = Handlers(database, runner, settings.cluster)
            consume = service.consumer(
                executor_commands(settings.cluster), ATTEMPT_COMMAND, handlers.handle
            )
            await service.run(Starlette(), runner.run, consume)
