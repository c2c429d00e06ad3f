"""The named queries of the executor: launches, leases and cleanings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.memory.postgres import Key, Row, Statement, answers

_PACKAGE = "headrace_executor"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""``-infinity``."""
_KEY = ("run_id", "task_id", "attempt")
_LAUNCH = (
    *_KEY,
    "state",
    "command",
    "cancel_requested",
    "handle",
    "epoch",
    "execution",
    "position",
)


def _new(s: Statement, key: Key, **values: Any) -> Row:
    """A launch with the defaults of its columns."""
    return {
        **dict(zip(_KEY, key, strict=True)),
        "position": s.next("launch"),
        "command": None,
        "cancel_requested": False,
        "started_at": None,
        "result": None,
        "created_at": s.now,
        "ended_at": None,
        "handle": None,
        "owner": None,
        "epoch": 0,
        "execution": 1,
        "taken_from": None,
        "is_given_up": False,
        **values,
    }


def _columns(row: Row, names: tuple[str, ...] = _KEY) -> Row:
    return {name: row[name] for name in names}


def _launch(row: Row) -> Row:
    return _columns(row, _LAUNCH) | {"is_foreign": row["taken_from"] is not None}


def _open(s: Statement) -> Iterator[tuple[Key, Row]]:
    return ((key, row) for key, row in s.rows("launch") if row["state"] != "ENDED")


def _requested(s: Statement, keys: tuple[list[Any], ...]) -> Iterator[Row]:
    """The launches with these keys; an array may name one repeatedly, as a join may."""
    for key in zip(*keys, strict=True):
        row = s.get("launch", key)
        if row is not None:
            yield row


@answers(_PACKAGE, "insert_launches")
def _insert_launches(
    s: Statement,
    runs: list[UUID],
    tasks: list[UUID],
    attempts: list[int],
    commands: list[Any],
    owner: str,
) -> list[Row]:
    new = []
    for *key, command in zip(runs, tasks, attempts, commands, strict=True):
        row = _new(s, tuple(key), state="WAITING", command=command, owner=owner, epoch=1)
        if s.insert("launch", tuple(key), row) is not None:
            new.append(_columns(row))
    return new


@answers(_PACKAGE, "insert_ended")
def _insert_ended(
    s: Statement, run: UUID, task: UUID, attempt: int, is_canceled: bool, result: Any
) -> list[Row]:
    key = (run, task, attempt)
    values = {"state": "ENDED", "cancel_requested": is_canceled, "result": result}
    row = s.insert("launch", key, _new(s, key, **values, ended_at=s.now))
    return [] if row is None else [{"attempt": attempt}]


@answers(_PACKAGE, "claim_execution")
def _claim_execution(
    s: Statement, run: UUID, task: UUID, attempt: int, owner: str, epoch: int, execution: int
) -> list[Row]:
    key = (run, task, attempt)
    row = _owned(s, key, owner, epoch)
    if row is None or row["execution"] not in (execution - 1, execution):
        return []
    s.change("launch", key, row, execution=execution)
    return [{"attempt": attempt}]


@answers(_PACKAGE, "request_cancel")
def _request_cancel(s: Statement, run: UUID, task: UUID, attempt: int) -> list[Row]:
    key = (run, task, attempt)
    row = s.get("launch", key)
    if row is None or row["state"] == "ENDED":
        return []
    s.change("launch", key, row, cancel_requested=True)
    return [{"attempt": attempt}]


@answers(_PACKAGE, "results")
def _results(s: Statement, *keys: list[Any]) -> list[Row]:
    return [{"result": row["result"]} for row in _requested(s, keys) if row["state"] == "ENDED"]


def _owned(s: Statement, key: Key, owner: str, epoch: int) -> Row | None:
    row = s.get("launch", key)
    if row is None or row["state"] == "ENDED":
        return None
    return row if row["owner"] == owner and row["epoch"] == epoch else None


@answers(_PACKAGE, "set_running")
def _set_running(
    s: Statement,
    run: UUID,
    task: UUID,
    attempt: int,
    owner: str,
    epoch: int,
    execution: int,
    handle: Any,
    at: datetime,
) -> list[Row]:
    key = (run, task, attempt)
    row = _owned(s, key, owner, epoch)
    if row is None or row["execution"] != execution:
        return []
    s.change("launch", key, row, state="RUNNING", handle=handle, started_at=at)
    return [{"attempt": attempt}]


@answers(_PACKAGE, "set_ended")
def _set_ended(
    s: Statement,
    run: UUID,
    task: UUID,
    attempt: int,
    owner: str,
    epoch: int,
    execution: int,
    result: Any,
) -> list[Row]:
    key = (run, task, attempt)
    row = _owned(s, key, owner, epoch)
    if row is None or row["execution"] != execution:
        return []
    s.change("launch", key, row, state="ENDED", result=result, ended_at=s.now)
    return [{"attempt": attempt}]


@answers(_PACKAGE, "has_ended")
def _has_ended(
    s: Statement, run: UUID, task: UUID, attempt: int, owner: str, epoch: int, execution: int
) -> list[Row]:
    row = s.get("launch", (run, task, attempt))
    wanted = {"owner": owner, "epoch": epoch, "execution": execution, "state": "ENDED"}
    is_ended = row is not None and all(row[name] == value for name, value in wanted.items())
    return [{"attempt": attempt}] if is_ended else []


@answers(_PACKAGE, "acquire_lease")
def _acquire_lease(s: Statement, owner: str, time: timedelta) -> int:
    s.put("owner_lease", (owner,), {"owner": owner, "expires_at": s.now + time})
    return 1


@answers(_PACKAGE, "renew_lease")
def _renew_lease(s: Statement, owner: str, time: timedelta) -> list[Row]:
    found: list[Row] = []

    def add(kind: str, run: UUID | None = None, task: UUID | None = None, n: int | None = None):  # type: ignore[no-untyped-def]
        found.append({"kind": kind, "run_id": run, "task_id": task, "attempt": n})

    lease = s.get("owner_lease", (owner,))
    if lease is not None:
        s.lock("owner_lease", (owner,))
        s.change("owner_lease", (owner,), lease, expires_at=s.now + time)
        if lease["expires_at"] >= s.clock:
            add("lease")
    for key, row in s.rows("launch"):
        if row["owner"] == owner and row["cancel_requested"] and row["state"] != "ENDED":
            add("cancel", *key)
        if row["taken_from"] == owner and not row["is_given_up"]:
            add("taken", *key)
    for (one, run), _ in s.rows("pending_clean"):
        if one == owner:
            add("clean", run)
    owners = {row["owner"] for _, row in _open(s)}
    for (one,), lease in s.rows("owner_lease"):
        if one != owner and lease["expires_at"] < s.now and one in owners:
            add("expired")
            break
    return found


@answers(_PACKAGE, "release_lease")
def _release_lease(s: Statement, owner: str) -> int:
    lease = s.get("owner_lease", (owner,))
    if lease is None:
        return 0
    s.change("owner_lease", (owner,), lease, expires_at=_LONG_AGO)
    return 1


@answers(_PACKAGE, "adopt")
def _adopt(s: Statement, owner: str) -> list[Row]:
    return [
        _launch(s.change("launch", key, row, owner=owner, epoch=row["epoch"] + 1))
        for key, row in _open(s)
        if row["owner"] in (owner, None)
    ]


@answers(_PACKAGE, "take_over")
def _take_over(s: Statement, owner: str, limit: int) -> list[Row]:
    expired = set()
    for key, lease in s.rows("owner_lease"):
        is_expired = key != (owner,) and lease["expires_at"] < s.now
        if is_expired and s.is_free("owner_lease", key):
            s.lock("owner_lease", key)
            expired.add(key[0])
    claimed = [
        (key, row) for key, row in _open(s) if row["owner"] in expired and s.is_free("launch", key)
    ]
    claimed.sort(key=lambda one: one[1]["position"])
    return [
        _launch(
            s.change(
                "launch",
                key,
                row,
                owner=owner,
                epoch=row["epoch"] + 1,
                taken_from=row["taken_from"] or row["owner"],
            )
        )
        for key, row in claimed[:limit]
    ]


@answers(_PACKAGE, "owned")
def _owned_keys(s: Statement, owner: str) -> list[Row]:
    return [_columns(row, (*_KEY, "epoch")) for _, row in _open(s) if row["owner"] == owner]


@answers(_PACKAGE, "owned_launches")
def _owned_launches(s: Statement, owner: str, *keys: list[Any]) -> list[Row]:
    return [
        _launch(row)
        for row in _requested(s, keys)
        if row["owner"] == owner and row["state"] != "ENDED"
    ]


@answers(_PACKAGE, "request_cleans")
def _request_cleans(s: Statement, owner: str, runs: list[UUID]) -> int:
    count = 0
    for _, row in s.rows("launch"):
        if row["run_id"] in runs:
            for other in (row["owner"], row["taken_from"]):
                if other is not None and other != owner:
                    key = (other, row["run_id"])
                    count += s.insert("pending_clean", key, {"requested_at": s.now}) is not None
    return count


@answers(_PACKAGE, "cleaned")
def _cleaned(s: Statement, owner: str, runs: list[UUID]) -> int:
    return s.delete(
        "pending_clean",
        [key for key, _ in s.rows("pending_clean") if key[0] == owner and key[1] in runs],
    )


@answers(_PACKAGE, "purge_leases")
def _purge_leases(s: Statement, age: timedelta) -> int:
    owners = {row["owner"] for _, row in _open(s)}
    return s.delete(
        "owner_lease",
        [
            key
            for key, row in s.rows("owner_lease")
            if row["expires_at"] < s.now - age and key[0] not in owners
        ],
    )


@answers(_PACKAGE, "purge_cleans")
def _purge_cleans(s: Statement, age: timedelta) -> int:
    return s.delete(
        "pending_clean",
        [key for key, row in s.rows("pending_clean") if row["requested_at"] < s.now - age],
    )


@answers(_PACKAGE, "epochs")
def _epochs(s: Statement, owner: str, *keys: list[Any]) -> list[Row]:
    return [_columns(row, (*_KEY, "epoch")) for row in _requested(s, keys) if row["owner"] == owner]


@answers(_PACKAGE, "confirm_owned")
def _confirm_owned(
    s: Statement, run: UUID, task: UUID, attempt: int, owner: str, epoch: int
) -> list[Row]:
    key = (run, task, attempt)
    if _owned(s, key, owner, epoch) is None:
        return []
    s.lock("launch", key)
    return [{"attempt": attempt}]


@answers(_PACKAGE, "taken_launches")
def _taken_launches(s: Statement, owner: str, *keys: list[Any]) -> list[Row]:
    return [
        _launch(row)
        for row in _requested(s, keys)
        if row["taken_from"] == owner and not row["is_given_up"]
    ]


@answers(_PACKAGE, "set_given_up")
def _set_given_up(s: Statement, run: UUID, task: UUID, attempt: int, owner: str) -> int:
    key = (run, task, attempt)
    row = s.get("launch", key)
    if row is None or row["taken_from"] != owner:
        return 0
    s.change("launch", key, row, is_given_up=True)
    return 1


@answers(_PACKAGE, "open_among")
def _open_among(s: Statement, *keys: list[Any]) -> list[Row]:
    return [
        _columns(row)
        for row in _requested(s, keys)
        if row["state"] != "ENDED" or (row["taken_from"] is not None and not row["is_given_up"])
    ]


@answers(_PACKAGE, "purge_launches")
def _purge_launches(s: Statement, age: timedelta) -> int:
    return s.delete(
        "launch",
        [
            key
            for key, row in s.rows("launch")
            if row["state"] == "ENDED"
            and row["ended_at"] < s.now - age
            and (row["taken_from"] is None or row["is_given_up"])
        ],
    )
