"""Requests that come twice: a key that the caller chose tells a repeat from a second request.

The key is kept in the transaction that makes the resource, so there is no moment at which a repeat
could make another one.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Header, Response
from headrace_contracts.failures import RejectionCode
from headrace_runtime.errors import RejectedError
from headrace_runtime.pg.database import Unit
from headrace_runtime.pg.queries import load_queries

T = TypeVar("T")
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
_QUERIES = load_queries("headrace_api", "once.sql")
_FIELD = "Idempotency-Key"


@dataclass(slots=True)
class RequestKey:
    """A caller's own name for a request. `repeated` is set when it turns out to be a repeat."""

    text: str
    fingerprint: str
    repeated: bool = False

    @classmethod
    def of(cls, text: str | None, *request: Any) -> RequestKey | None:
        """The key of a request that is made of these JSON values and bytes; None without one."""
        if text is None:
            return None
        parts = [sha256(one).hexdigest() if isinstance(one, bytes) else one for one in request]
        content = json.dumps(parts, sort_keys=True, default=str).encode()
        return cls(text, sha256(content).hexdigest())


def tell_repeat(response: Response, key: RequestKey | None) -> None:
    """A repeat is answered with 200: nothing was made now."""
    if key is not None and key.repeated:
        response.status_code = 200


async def once(
    unit: Unit,
    key: RequestKey | None,
    place: tuple[str, str],
    make: Callable[[], Awaitable[T | None]],
    again: Callable[[UUID], Awaitable[T | None]],
    identity: Callable[[T], UUID],
) -> T | None:
    """Make something, or find what the same request has made before; `place` is a namespace and a
    kind of resource, within which keys are unique.

    Raises:
        RejectedError: the key was used for another request, or what it made is gone.
    """
    if key is None:
        return await make()
    await unit.connection.execute(_QUERIES["hold_key"], *place, key.text)
    row = await unit.connection.fetchrow(_QUERIES["made_by_key"], *place, key.text)
    if row is not None:
        if row["fingerprint"] != key.fingerprint:
            raise _conflict("this idempotency key was used for another request")
        known = await again(row["made"])
        if known is None:
            raise _conflict("what was made with this idempotency key is deleted")
        key.repeated = True
        return known
    made = await make()
    if made is not None:
        await unit.connection.execute(
            _QUERIES["keep_key"],
            *place,
            key.text,
            key.fingerprint,
            identity(made),
            datetime.now(UTC),
        )
    return made


def _conflict(message: str) -> RejectedError:
    return RejectedError.because(RejectionCode.CONFLICT, message, _FIELD)
