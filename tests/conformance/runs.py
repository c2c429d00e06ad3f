"""Submits packages to a deployment, waits for the runs, and compares them with a case."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from headrace.client import Client, ClientError

from tests.conformance.cases import PATH

_MAX_SECONDS = 300.0
_CONCURRENT = 8

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")


@dataclass
class Outcome:
    """The result of a case: its run, and the differences from what is expected."""

    name: str
    run_id: str = ""
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether it is as expected."""
        return not self.differences


@contextmanager
def together(
    check: Callable[[_Given], _Found], given: Iterable[_Given]
) -> Iterator[dict[_Given, Future[_Found]]]:
    """Starts `check` of each that is given, `_CONCURRENT` at a time, since a check mostly waits.

    Checks that have not started when the context ends do not start.
    """
    pool = ThreadPoolExecutor(_CONCURRENT)
    try:
        yield {each: pool.submit(check, each) for each in given}
    finally:
        pool.shutdown(cancel_futures=True)


def check_all(check: Callable[[_Given], _Found], given: Iterable[_Given]) -> list[_Found]:
    """The results of `check` for each that is given, in the same order."""
    with together(check, given) as started:
        return [future.result() for future in started.values()]


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with a new path in the place of each `PATH`."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-conformance-"))
    return {name: str(folder / name) if value == PATH else value for name, value in given.items()}


def run(client: Client, package: str, request: dict[str, Any]) -> dict[str, Any]:
    """Submit a package and wait for its run to end.

    Raises:
        ClientError: the submission was rejected.
        TimeoutError: the run did not end within five minutes; it is canceled.
    """
    submitted = client.submit({"package": package, **request})
    try:
        *_, last = client.watch(submitted["run_id"], _MAX_SECONDS)
    except TimeoutError:
        client.cancel(submitted)  # the next runs need its slots
        raise
    return last


def check_case(client: Client, name: str, package: str, case: Mapping[str, Any]) -> Outcome:
    """Run a case of the suite; twice when it is about the cache."""
    outcome = Outcome(name)
    request = {"parameters": arguments(case["args"]), "display_name": name, **case["options"]}
    if not case["cached"]:
        request.setdefault("caching", False)
    try:
        found = run(client, package, request)
        outcome.run_id = found["run_id"]
        outcome.differences += _differences(client, found, case)
        if case["cached"]:
            again = run(client, package, request)
            outcome.differences += _cache_differences(again, found, case)
    except (ClientError, TimeoutError) as error:
        outcome.differences.append(str(error))
    return outcome


def tasks_by_path(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tasks of a run by their paths, without ``root/``."""
    return {task["path"].partition("/")[2]: task for task in found.get("tasks") or ()}


def _differences(
    client: Client, found: Mapping[str, Any], case: Mapping[str, Any]
) -> Iterator[str]:
    error = (found.get("error") or {}).get("message", "")
    if found["state"] != case["state"]:
        yield f"state is {found['state']}, not {case['state']}: {error[:300]}"
    if case["error"] not in error:
        yield f"the error does not contain {case['error']!r}: {error[:300]!r}"
    yield from _unequal("output", case["outputs"], found["outputs"]["parameters"])
    tasks = tasks_by_path(found)
    for path, state in case["tasks"].items():
        if path not in tasks:
            if state != "ABSENT":
                yield f"no task {path}; the tasks are: {', '.join(sorted(tasks))[:400]}"
        elif tasks[path]["state"] != state:
            yield f"{path} is {tasks[path]['state']}, not {state}"
    for path, attempt in case["attempts"].items():
        if tasks.get(path, {}).get("attempt") != attempt:
            yield f"{path} has attempt {tasks.get(path, {}).get('attempt')}, not {attempt}"
    for path, made in case["made"].items():
        outputs = tasks.get(path, {}).get("outputs", {"parameters": {}})
        yield from _unequal(f"output of {path}", made, outputs["parameters"])
    for place, metadata in case["metadata"].items():
        path, _, artifact = place.rpartition(":")
        outputs = tasks.get(path, {}).get("outputs", {"artifacts": {}})
        artifacts = outputs["artifacts"].get(artifact) or [{"metadata": {}}]
        yield from _unequal(f"metadata of {place}", metadata, artifacts[0]["metadata"])
    for path, text in case["logs"].items():
        log = client.log(found["run_id"], tasks[path]["task_id"]) if path in tasks else b""
        if text not in log.decode(errors="replace"):
            yield f"the log of {path} does not contain {text!r}: {log[-300:]!r}"


def _unequal(what: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name not in found:
            yield f"{what} {name!r} is absent"
        elif _plain(found[name]) != _plain(value):
            yield f"{what} {name!r} is {_plain(found[name])[:200]}, not {_plain(value)[:200]}"


def _cache_differences(
    again: Mapping[str, Any], first: Mapping[str, Any], case: Mapping[str, Any]
) -> Iterator[str]:
    hits = {
        path
        for path, task in tasks_by_path(again).items()
        if (task.get("origin") or {}).get("kind") == "cache"
    }
    if hits != set(case["cached"]):
        yield f"cache hits are {sorted(hits)}, not {sorted(case['cached'])}"
    if case["state"] == "SUCCEEDED" and again["outputs"]["parameters"].keys() != (
        first["outputs"]["parameters"].keys()
    ):
        yield "the second run has other outputs than the first"


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
