"""Idempotent creation: a request that is repeated with the same key creates one resource.

The key is stored in the transaction that creates the resource, so a repeat at any moment finds
either both or neither. Runs have a key of their own, on the run's row: see `runs/submissions.py`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Header, Response
from headrace_runtime.pg.database import Unit
from headrace_runtime.pg.queries import load_queries

from headrace_api.errors import conflict, key_reused

T = TypeVar("T")
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
_QUERIES = load_queries("headrace_api.http", "idempotency.sql")
_FIELD = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """The key that a caller gave a request, and what tells this request from others."""

    key: str
    fingerprint: str
    """SHA-256 of the request's content, hexadecimal."""

    @classmethod
    def of(cls, key: str | None, *content: Any) -> IdempotentRequest | None:
        """A request whose content is these JSON values and bytes; None without a key."""
        if key is None:
            return None
        parts = [sha256(one).hexdigest() if isinstance(one, bytes) else one for one in content]
        text = json.dumps(parts, sort_keys=True, default=str)
        return cls(key, sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """A resource, and whether an earlier request with the same key created it."""

    resource: T
    repeated: bool = False


async def create_once(
    unit: Unit,
    request: IdempotentRequest | None,
    *,
    namespace: str,
    kind: str,
    create: Callable[[], Awaitable[T | None]],
    find: Callable[[UUID], Awaitable[T | None]],
    identity: Callable[[T], UUID],
) -> Created[T] | None:
    """Create a resource, or find the one that an earlier request with the same key created.

    Keys are unique within a namespace and a kind of resource. `create` returns None when the
    resource's name is taken; so does this function.

    Raises:
        RejectedError: CONFLICT; the key belongs to a different request, or its resource is deleted.
    """
    if request is None:
        return _created(await create())
    scope = (namespace, kind, request.key)
    await unit.connection.execute(_QUERIES["lock_key"], *scope)
    row = await unit.connection.fetchrow(_QUERIES["resource_of_key"], *scope)
    if row is not None:
        if row["fingerprint"] != request.fingerprint:
            raise key_reused(_FIELD)
        earlier = await find(row["made"])
        if earlier is None:
            raise conflict(
                "the resource created with this idempotency key was deleted; use a new key", _FIELD
            )
        return Created(earlier, repeated=True)
    created = _created(await create())
    if created is not None:
        made = identity(created.resource)
        await unit.connection.execute(_QUERIES["insert_key"], *scope, request.fingerprint, made)
    return created


def _created(resource: T | None) -> Created[T] | None:
    return None if resource is None else Created(resource)


def creation_response(response: Response, created: Created[T]) -> T:
    """The resource as the body of `response`, whose status becomes 201, or 200 for a repeated
    request."""
    response.status_code = 200 if created.repeated else 201
    return created.resource
