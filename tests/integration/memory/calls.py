"""Random calls of the named queries, with few keys, so that they meet each other."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

_RUNS = [UUID(int=n) for n in range(1, 4)]
_TASKS = [UUID(int=n) for n in range(11, 15)]
_OWNERS = ("one", "two", "three")
_STREAMS = ("EVENTS", "COMMANDS")
_HOUR = timedelta(hours=1)
_NOW = datetime.now(UTC)
_numbers = itertools.count(1)

Arguments = Callable[[random.Random], tuple[Any, ...]]


def _key(r: random.Random) -> tuple[UUID, UUID, int]:
    return r.choice(_RUNS), r.choice(_TASKS), r.choice((1, 2))


def _keys(r: random.Random) -> tuple[list[Any], ...]:
    keys = [_key(r) for _ in range(r.randrange(5))]
    return [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys]


def _json(r: random.Random) -> dict[str, Any]:
    return {"n": r.randrange(100), "text": "é"}


def _age(r: random.Random) -> timedelta:
    """Nothing is as old, or everything is older."""
    return r.choice((_HOUR, -_HOUR))


def _some(r: random.Random, values: Any) -> list[Any]:
    return r.sample(list(values), r.randrange(len(values) + 1))


def _inserted(r: random.Random) -> tuple[Any, ...]:
    keys = _keys(r)
    return *keys, [_json(r) for _ in keys[0]], r.choice(_OWNERS)


def _messages(r: random.Random) -> tuple[Any, ...]:
    ids = [UUID(int=r.randrange(20)) for _ in range(r.randrange(4))]
    return (
        ids,
        [f"evt.{r.randrange(9)}" for _ in ids],
        [{"a": "b"} for _ in ids],
        [r.randbytes(4) for _ in ids],
    )


def _marks(r: random.Random) -> tuple[Any, ...]:
    ids = _some(r, [UUID(int=n) for n in range(20)])[:4]
    return (
        ids,
        [r.choice(_STREAMS) for _ in ids],
        [r.randrange(10) for _ in ids],
        [r.choice((None, "a", "b")) for _ in ids],
    )


def _claim(r: random.Random) -> tuple[Any, ...]:
    return *_key(r), r.choice(_OWNERS), r.randrange(1, 3), r.randrange(1, 3)


def _saved_tasks(r: random.Random) -> tuple[Any, ...]:
    tasks = _some(r, _TASKS)
    states = ("PENDING", "READY", "WAITING", "SUCCEEDED")

    def column(make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in tasks]

    return (
        tasks,
        column(lambda: r.choice(_RUNS)),
        column(lambda: r.choice((None, *_TASKS))),
        column(lambda: "root/a"),
        column(lambda: "a"),
        column(lambda: r.choice((None, 1))),
        column(lambda: r.choice(states)),
        column(lambda: r.randrange(3)),
        column(lambda: r.randrange(3)),
        column(lambda: r.randrange(3)),
        column(lambda: r.choice((None, _NOW - _HOUR, _NOW + _HOUR))),
        column(lambda: r.random() < 0.5),
        column(lambda: _json(r)),
        column(lambda: _json(r)),
        column(lambda: r.choice((None, _json(r)))),
        column(lambda: r.choice((None, "f1", "f2"))),
    )


def _run(r: random.Random) -> tuple[Any, ...]:
    submission = {"limits": r.choice((None, {"pipeline": 1}))}
    states = ("PENDING", "RUNNING", "PAUSED")
    header = {"expired": r.random() < 0.5}
    return (
        r.choice(_RUNS),
        r.choice(("n1", "n2")),
        r.choice(("p1", "p2")),
        r.randrange(3),
        r.choice(states),
        header,
        submission,
    )


def _saved_runs(r: random.Random) -> tuple[Any, ...]:
    runs = _some(r, _RUNS)
    return (
        runs,
        [r.choice(("PENDING", "RUNNING", "SUCCEEDED")) for _ in runs],
        [{"expired": r.random() < 0.5} for _ in runs],
        [r.choice((None, _NOW - _HOUR, _NOW + _HOUR)) for _ in runs],
    )


def _cached(r: random.Random) -> tuple[Any, ...]:
    count = r.randrange(3)
    return (
        [r.choice(("n1", "n2")) for _ in range(count)],
        ["p"] * count,
        [f"f{index}" for index in range(count)],
        [r.choice(_RUNS) for _ in range(count)],
        [r.choice(_TASKS) for _ in range(count)],
        [_json(r) for _ in range(count)],
    )


def _reusable(r: random.Random) -> tuple[Any, ...]:
    paths = [f"root/{next(_numbers)}" for _ in range(r.randrange(3))]
    return (
        _RUNS[0],
        _RUNS[1],
        paths,
        ["f1" for _ in paths],
        [r.choice(_TASKS) for _ in paths],
        [_json(r) for _ in paths],
    )


RUNTIME: dict[str, Arguments] = {
    "stage_messages": _messages,
    "mark_published": _marks,
    "has_published": lambda r: (),
    "unpublish": lambda r: (r.choice(_STREAMS), r.choice(("a", "b"))),
    "delete_handled": lambda r: (r.choice(_STREAMS), r.choice(("a", "b")), r.randrange(10)),
    "unpublished": lambda r: (_age(r),),
    "admit": lambda r: (r.choice(_OWNERS), [str(r.randrange(9)) for _ in range(r.randrange(4))]),
    "purge_inbox": lambda r: (_age(r),),
    "ping": lambda r: (),
}
EXECUTOR: dict[str, Arguments] = {
    "insert_launches": _inserted,
    "insert_ended": lambda r: (*_key(r), r.random() < 0.5, _json(r)),
    "claim_execution": _claim,
    "request_cancel": _key,
    "results": _keys,
    "set_running": lambda r: (*_claim(r), _json(r), _NOW),
    "set_ended": lambda r: (*_claim(r), _json(r)),
    "has_ended": _claim,
    "purge_launches": lambda r: (_age(r),),
    "acquire_lease": lambda r: (r.choice(_OWNERS), _age(r)),
    "renew_lease": lambda r: (r.choice(_OWNERS), _age(r)),
    "release_lease": lambda r: (r.choice(_OWNERS),),
    "adopt": lambda r: (r.choice(_OWNERS),),
    "take_over": lambda r: (r.choice(_OWNERS), r.choice((1, 100))),
    "owned": lambda r: (r.choice(_OWNERS),),
    "owned_launches": lambda r: (r.choice(_OWNERS), *_keys(r)),
    "request_cleans": lambda r: (r.choice(_OWNERS), _some(r, _RUNS)),
    "cleaned": lambda r: (r.choice(_OWNERS), _some(r, _RUNS)),
    "purge_leases": lambda r: (_age(r),),
    "purge_cleans": lambda r: (_age(r),),
    "epochs": lambda r: (r.choice(_OWNERS), *_keys(r)),
    "open_among": _keys,
    "confirm_owned": lambda r: (*_key(r), r.choice(_OWNERS), r.randrange(1, 3)),
    "taken_launches": lambda r: (r.choice(_OWNERS), *_keys(r)),
    "set_given_up": lambda r: (*_key(r), r.choice(_OWNERS)),
}
SCHEDULER: dict[str, Arguments] = {
    "lock_runs": lambda r: (_some(r, _RUNS),),
    "load_runs": lambda r: (_some(r, _RUNS),),
    "load_tasks": lambda r: (_some(r, _RUNS),),
    "load_all_tasks": lambda r: (_some(r, _RUNS),),
    "insert_run": _run,
    "save_tasks": _saved_tasks,
    "save_runs": _saved_runs,
    "silent_tasks": lambda r: (_age(r),),
    "due": lambda r: (_NOW, _some(r, _RUNS[:1])),
    "find_cached": lambda r: (r.choice(("n1", "n2")), "p", _some(r, ("f0", "f1", "f2"))),
    "find_reusable": lambda r: (_RUNS[0], [f"root/{n}" for n in range(1, 9)]),
    "save_cache": _cached,
    "delete_cached": lambda r: (r.choice(("n1", "n2")), "p", ["f0"], [r.choice(_TASKS)]),
    "stalled_lookups": lambda r: (_age(r),),
    "insert_reusable": _reusable,
    "lock_namespace": lambda r: (r.choice(("n1", "n2")),),
    "queued_runs": lambda r: (r.choice(("n1", "n2")),),
    "queued_namespaces": lambda r: (),
    "active_runs": lambda r: (r.choice(("n1", "n2")),),
    "delete_tasks": lambda r: (r.choice(_RUNS),),
    "delete_run": lambda r: (r.choice(_RUNS),),
    "purge_deleted": lambda r: (_HOUR,),
}
BEFORE: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "headrace_scheduler": (
        "insert_run",
        [(run, "n1", "p1", 0, "RUNNING", {"expired": False}, {}) for run in _RUNS],
    )
}
"""What a sequence begins with: tasks refer to runs."""
AFTER: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
    "headrace_scheduler": [("delete_run", (_RUNS[0],)), ("purge_deleted", (-_HOUR,))]
}
"""What a sequence ends with."""
CLOCKS = {"time"}
"""Queries whose answer is the time, which is another one at each server."""
CALLS = {
    "headrace_runtime.pg": RUNTIME,
    "headrace_executor": EXECUTOR,
    "headrace_scheduler": SCHEDULER,
}
