"""Handles submit messages, and the events that change the stored state of runs."""

from __future__ import annotations

from typing import Annotated

from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ids import derived_event_id
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.commands import SubmitRun
from headrace_contracts.messages.events import SubmissionAccepted, SubmissionRejected
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database, Unit
from pydantic import Field, TypeAdapter

from headrace_api.runs import store
from headrace_api.runs.rules.states import RunStateEvent, state_update
from headrace_api.runs.submissions import Accepted, Submissions

RUN_STATE_EVENTS: TypeAdapter[RunStateEvent] = TypeAdapter(
    Annotated[RunStateEvent, Field(discriminator="type")]
)


class Handlers:
    """Handles messages from the bus."""

    def __init__(self, database: Database, submissions: Submissions) -> None:
        self._database = database
        self._submissions = submissions

    async def submit_runs(self, batch: list[Received[SubmitRun]]) -> None:
        """Submit each request, and answer it with ``submission.accepted`` or
        ``submission.rejected``. Idempotent: a redelivered message has the same idempotency key."""
        for received in batch:
            await self._submit(received)

    async def _submit(self, received: Received[SubmitRun]) -> None:
        request = received.message
        if request.idempotency_key is None:
            key = f"message:{received.id}"[:255]
            request = request.model_copy(update={"idempotency_key": key})

        def stage_answer(unit: Unit, accepted: Accepted) -> None:
            answer = SubmissionAccepted(
                request_id=received.id,
                run_id=accepted.submission.run_id,
                duplicate=accepted.duplicate,
            )
            unit.publish(answer)

        async with self._database.read() as connection:
            if await store.is_refused(connection, received.position):
                return  # and answered: a redelivery must not have another outcome
        try:
            await self._submissions.submit(request, stage_answer)
        except RejectedError as error:
            await self._reject(received.id, error.rejection, received.position)

    async def reject_unreadable(self, attributes: Attributes, reason: str) -> None:
        """Answer a submit message that cannot be parsed."""
        await self._reject(attributes.id, Rejection(code=RejectionCode.MALFORMED, message=reason))

    async def store_run_states(self, batch: list[Received[RunStateEvent]]) -> None:
        """Store the states of runs. Revisions make repeated and late events harmless."""
        now = await self._database.time()
        updates = [state_update(received.message, now) for received in batch]

        async def work(unit: Unit) -> None:
            await store.update_run_states(unit.connection, updates)

        await self._database.transact(work)

    async def _reject(
        self, request_id: str, rejection: Rejection, position: str | None = None
    ) -> None:
        """Answer a submit message with a rejection. A redelivery of the message at `position` has
        the same outcome, also if the reason has passed."""
        event = SubmissionRejected(request_id=request_id, rejection=rejection)

        async def work(unit: Unit) -> None:
            if position is not None:
                await unit.admit(store.REFUSED, [position])
            unit.publish(event, derived_event_id(event.type, request_id, rejection.message))

        await self._database.transact(work)
