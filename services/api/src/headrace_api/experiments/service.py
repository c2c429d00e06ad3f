"""Creates, changes and deletes experiments, and finds the experiment of a new run."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace_contracts.access import Access, Role
from headrace_contracts.resources import Experiment, ExperimentPage
from headrace_runtime.access import require_role
from headrace_runtime.lists.page import Page
from headrace_runtime.pg.database import Database, Unit
from headrace_runtime.space import SpaceReserve

from headrace_api.errors import conflict, found, malformed
from headrace_api.experiments import store
from headrace_api.experiments.archiving import ExperimentArchiving
from headrace_api.http.idempotency import Created, IdempotentRequest, create_once
from headrace_api.http.parameters import DEFAULT_NAMESPACE

DEFAULT_EXPERIMENT = "Default"
"""KFP's name for the experiment of runs that are submitted without one."""
LONGEST_NAME = 128
"""KFP's limit, in characters."""
_DEFAULT_DESCRIPTION = "All runs created without specifying an experiment will be grouped here."
_BATCHES_PER_REQUEST = 10
"""Batches of runs that a request archives; `ExperimentArchiving.run` does the rest."""


class Experiments:
    """Experiments. Raises `RejectedError` for requests that are not valid, and for experiments
    that the caller cannot see or change."""

    def __init__(
        self, database: Database, archiving: ExperimentArchiving, space: SpaceReserve
    ) -> None:
        self._database = database
        self._archiving = archiving
        self._space = space

    async def create_default(self) -> None:
        """Create the default experiment of the default namespace, where KFP's clients expect it
        before the first run."""

        now = await self._database.time()

        async def work(unit: Unit) -> None:
            await _create(unit, DEFAULT_NAMESPACE, DEFAULT_EXPERIMENT, "", now)

        await self._database.transact(work)

    async def create(
        self,
        caller: Access,
        namespace: str,
        display_name: str,
        description: str,
        request: IdempotentRequest | None = None,
    ) -> Created[Experiment]:
        """Create an experiment."""
        require_role(caller, Role.EDITOR, namespace)
        now = await self._database.time()

        async def create(unit: Unit) -> Experiment | None:
            self._space.require()
            return await _create(unit, namespace, display_name, description, now)

        async def work(unit: Unit) -> Created[Experiment] | None:
            return await create_once(
                unit,
                request,
                namespace=namespace,
                kind="experiment",
                create=lambda: create(unit),
                find=lambda identity: store.by_id(unit.connection, identity, caller.visible),
                identity=lambda experiment: experiment.experiment_id,
            )

        created = await self._database.transact(work)
        if created is None:
            raise conflict(
                f"experiment {display_name!r} already exists in namespace {namespace!r}",
                "display_name",
            )
        return created

    async def get(self, caller: Access, identity: UUID) -> Experiment:
        """One experiment."""
        async with self._database.read() as connection:
            experiment = await store.by_id(connection, identity, caller.visible)
        return found(experiment, _no_experiment(identity))

    async def page(self, page: Page) -> ExperimentPage:
        """A page of the list."""
        async with self._database.read() as connection:
            return await store.page(connection, page)

    async def archive(self, caller: Access, identity: UUID) -> Experiment:
        """Archive an experiment and its runs, and disable its recurring runs."""

        now = await self._database.time()

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await store.archive(unit.connection, identity, now)

        await self._database.transact(work)
        await self._archiving.archive_runs(identity, _BATCHES_PER_REQUEST)
        return await self.get(caller, identity)

    async def unarchive(self, caller: Access, identity: UUID) -> Experiment:
        """Restore an experiment; its runs stay archived and its recurring runs disabled."""

        async def work(unit: Unit) -> None:
            await self._locked(unit, caller, identity)
            await store.unarchive(unit.connection, identity)

        await self._database.transact(work)
        return await self.get(caller, identity)

    async def delete(self, caller: Access, identity: UUID) -> None:
        """Delete an experiment; its runs and recurring runs stay."""

        async def work(unit: Unit) -> None:
            experiment = await self._locked(unit, caller, identity)
            if experiment.display_name == DEFAULT_EXPERIMENT:
                raise conflict(f"experiment {DEFAULT_EXPERIMENT!r} cannot be deleted")
            await store.delete(unit.connection, identity)

        await self._database.transact(work)

    async def _locked(self, unit: Unit, caller: Access, identity: UUID) -> Experiment:
        """The experiment, locked until the transaction ends, if the caller can change it."""
        known = await store.by_id(unit.connection, identity, caller.visible, lock=True)
        experiment = found(known, _no_experiment(identity))
        require_role(caller, Role.EDITOR, experiment.namespace)
        return experiment


async def find_or_create_experiment(
    unit: Unit, namespace: str, identity: UUID | None, name: str | None, now: datetime
) -> Experiment:
    """The experiment with this id; without an id, the one with this name, created if it does not
    exist; without either, the default experiment.

    Raises:
        RejectedError: the namespace has no experiment with this id, or the name is too long.
    """
    if identity is not None:
        experiment = await store.by_id(unit.connection, identity, (namespace,))
        message = f"there is no experiment {identity} in namespace {namespace!r}"
        return found(experiment, message, "experiment_id")
    name = name or DEFAULT_EXPERIMENT
    if len(name) > LONGEST_NAME:
        raise malformed(
            f"the experiment name has {len(name)} characters; the maximum is {LONGEST_NAME}",
            "experiment",
        )
    experiment = await store.by_name(unit.connection, namespace, name)
    if experiment is None:
        await _create(unit, namespace, name, "", now)
        experiment = await store.by_name(unit.connection, namespace, name)
    assert experiment is not None
    return experiment


async def _create(
    unit: Unit, namespace: str, name: str, description: str, now: datetime
) -> Experiment | None:
    """Insert an experiment; None when the name is taken."""
    if name == DEFAULT_EXPERIMENT:
        description = description or _DEFAULT_DESCRIPTION
    return await store.create(unit.connection, namespace, name, description, now)


def _no_experiment(identity: UUID) -> str:
    return f"there is no experiment {identity}"
