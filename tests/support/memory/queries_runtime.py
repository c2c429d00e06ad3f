"""The named queries of the runtime: outbox and inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.support.memory.postgres import Row, Statement, answers

_PACKAGE = "headrace_runtime.pg"


@answers(_PACKAGE, "stage_messages")
def _stage_messages(
    s: Statement, ids: list[UUID], subjects: list[str], headers: list[Any], bodies: list[bytes]
) -> int:
    count = 0
    for event_id, subject, header, body in zip(ids, subjects, headers, bodies, strict=True):
        number = s.next("outbox")
        row = {
            "id": number,
            "event_id": event_id,
            "subject": subject,
            "headers": header,
            "body": body,
            "created_at": s.now,
            "published_at": None,
            "stream": None,
            "sequence": None,
            "stream_identity": None,
        }
        count += s.insert("outbox", (event_id,), row) is not None
    return count


@answers(_PACKAGE, "mark_published")
def _mark_published(
    s: Statement, ids: list[UUID], streams: list[str], sequences: list[int], identities: list[str]
) -> int:
    count = 0
    for event_id, *place in zip(ids, streams, sequences, identities, strict=True):
        row = s.get("outbox", (event_id,))
        if row is not None and row["published_at"] is None:
            values = dict(zip(("stream", "sequence", "stream_identity"), place, strict=True))
            s.change("outbox", (event_id,), row, published_at=s.now, **values)
            count += 1
    return count


@answers(_PACKAGE, "unpublished")
def _unpublished(s: Statement, age: timedelta) -> list[Row]:
    found = [
        row
        for _, row in s.rows("outbox")
        if row["published_at"] is None and row["created_at"] < s.now - age
    ]
    found.sort(key=lambda row: row["id"])
    names = ("event_id", "subject", "headers", "body")
    return [{name: row[name] for name in names} for row in found[:500]]


@answers(_PACKAGE, "has_published")
def _has_published(s: Statement) -> list[Row]:
    return [{"exists": any(row["published_at"] is not None for _, row in s.rows("outbox"))}]


@answers(_PACKAGE, "unpublish")
def _unpublish(s: Statement, stream: str, identity: str) -> int:
    count = 0
    for key, row in s.rows("outbox"):
        is_of_stream = row["published_at"] is not None and row["stream"] in (None, stream)
        if is_of_stream and row["stream_identity"] != identity:
            s.change("outbox", key, row, published_at=None)
            count += 1
    return count


@answers(_PACKAGE, "delete_handled")
def _delete_handled(s: Statement, stream: str, identity: str, sequence: int) -> int:
    handled = [
        key
        for key, row in s.rows("outbox")
        if row["published_at"] is not None
        and (row["stream"], row["stream_identity"]) == (stream, identity)
        and row["sequence"] <= sequence
    ]
    return s.delete("outbox", handled)


@answers(_PACKAGE, "admit")
def _admit(s: Statement, consumer: str, ids: list[str]) -> list[Row]:
    new = []
    for message_id in ids:
        row = {"consumer": consumer, "message_id": message_id, "received_at": s.now}
        if s.insert("inbox", (consumer, message_id), row) is not None:
            new.append({"message_id": message_id})
    return new


@answers(_PACKAGE, "purge_inbox")
def _purge_inbox(s: Statement, age: timedelta) -> int:
    rows = s.rows("inbox")
    latest = max((row["received_at"] for _, row in rows), default=s.now)
    return s.delete("inbox", [key for key, row in rows if row["received_at"] < latest - age])


@answers(_PACKAGE, "ping")
def _ping(s: Statement) -> list[Row]:
    return [{"?column?": 1}]


@answers(_PACKAGE, "time")
def _time(s: Statement) -> list[Row]:
    return [{"clock_timestamp": s.clock}]
