"""Composition root of the executor."""

from __future__ import annotations

from headrace_contracts.commands import ATTEMPT_COMMAND
from headrace_contracts.subjects import executor_commands
from headrace_runtime.service import open_service
from starlette.applications import Starlette

from headrace_executor.handlers import Handlers
from headrace_executor.backends.process.backend import ProcessBackend
from headrace_executor.runner import Runner
from headrace_executor.settings import Settings


async def serve(settings: Settings) -> None:
    """Run the executor until it is told to stop; steps that run go on, and are taken up again."""
    async with open_service("executor", settings) as service:
        objects = await service.open_objects(settings)
        database = await service.open_database(settings, package="headrace_executor")
        backend = ProcessBackend(settings, objects)
        runner = Runner(database, backend, settings.slots)
        handlers = Handlers(database, runner, settings.cluster)
        consume = service.consumer(
            executor_commands(settings.cluster), ATTEMPT_COMMAND, handlers.handle
        )
        try:
            await service.run(settings, Starlette(), runner.run, consume)
        finally:
            await backend.close()
