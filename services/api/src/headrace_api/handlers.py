"""Submit messages, each answered by an event, accepted or rejected; and how runs end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from headrace_contracts.cloudevents import Attributes
from headrace_contracts.commands import SubmitRun
from headrace_contracts.events import SubmissionAccepted, SubmissionRejected
from headrace_contracts.failures import Rejection, RejectionCode
from headrace_contracts.ids import derived_event_id
from headrace_runtime.bus.consumer import Received
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Database, Unit
from pydantic import Field, TypeAdapter

from headrace_api import store
from headrace_api.core.heard import Heard, heard_state
from headrace_api.store import HeardState
from headrace_api.submissions import Accepted, Submissions

HEARD: TypeAdapter[Heard] = TypeAdapter(Annotated[Heard, Field(discriminator="type")])


class Handlers:
    """The api's ear."""

    def __init__(self, database: Database, submissions: Submissions) -> None:
        self._database = database
        self._submissions = submissions

    async def handle(self, batch: list[Received[SubmitRun]]) -> None:
        """Accept or reject each message by itself; a redelivery is the same run by its key."""
        for received in batch:
            await self._submit(received)

    async def _submit(self, received: Received[SubmitRun]) -> None:
        request = received.message
        if request.idempotency_key is None:
            key = f"message:{received.id}"[:255]
            request = request.model_copy(update={"idempotency_key": key})

        def tell(unit: Unit, accepted: Accepted) -> None:
            answer = SubmissionAccepted(
                request_id=received.id,
                run_id=accepted.submission.run_id,
                duplicate=accepted.duplicate,
            )
            unit.publish(answer)

        try:
            await self._submissions.submit(request, tell)
        except RejectedError as error:
            await self._reject(received.id, error.rejection)

    async def hear(self, batch: list[Received[Heard]]) -> None:
        """Keep how runs stand; the revisions make order and repeats harmless."""
        heard = [_heard(received) for received in batch]

        async def work(unit: Unit) -> None:
            await store.set_run_states(unit.connection, heard)

        await self._database.transact(work)

    async def refuse(self, attributes: Attributes, reason: str) -> None:
        """Answer a message that cannot be read."""
        await self._reject(attributes.id, Rejection(code=RejectionCode.MALFORMED, message=reason))

    async def _reject(self, request_id: str, rejection: Rejection) -> None:
        event = SubmissionRejected(request_id=request_id, rejection=rejection)

        async def work(unit: Unit) -> None:
            unit.publish(event, derived_event_id(event.type, request_id, rejection.message))

        await self._database.transact(work)


def _heard(received: Received[Heard]) -> HeardState:
    at = received.attributes.told_at(datetime.now(UTC))
    event = received.message
    state, ended_at = heard_state(event, at)
    return HeardState(event.run_id, state, event.revision, ended_at)
