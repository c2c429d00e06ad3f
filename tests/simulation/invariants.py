"""What must hold when the faults are over and everything has had time to heal."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from headrace_contracts.launches import STOP_MARK
from headrace_contracts.messages.subjects import DEAD_LETTERS

from tests.simulation.host import Execution
from tests.simulation.world import World

_FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
_SERVICES = ("api", "scheduler", "executor")


def unsettled(world: World) -> list[tuple[str, str]]:
    """What has not come to its end yet, each with the word by which the trace is searched."""
    found: list[tuple[str, str]] = []
    for run_id in world.submissions:
        word = str(run_id)[-8:]
        row = world.postgres.schema("scheduler").tables["run"].get((run_id,))
        if run_id not in world.accepted:
            found.append((f"run {word} is not accepted", word))
        elif row is None or row["state"] not in _FINAL:
            state = "unknown to the scheduler" if row is None else row["state"]
            found.append((f"run {word} is {state}", word))
    for (_, task_id, attempt), row in world.postgres.schema("executor").tables["launch"].items():
        if row["state"] != "ENDED":
            word = str(task_id)[:8]
            found.append((f"launch {attempt} of task {word} is {row['state']}", word))
    for execution in world.executions:
        if execution.end is None:
            found.append((f"{execution} runs", str(execution.task_id)[:8]))
    for service in _SERVICES:
        rows = world.postgres.schema(service).tables["outbox"].values()
        count = sum(row["published_at"] is None for row in rows)
        if count:
            found.append((f"{count} messages of {service} are not published", "relay"))
    for stream in world.nats.streams.streams.values():
        for consumer in stream.consumers.values():
            if consumer.unsettled():
                what = f"{consumer.unsettled()} messages of {consumer.name} are not handled"
                found.append((what, "message"))
    return found


def check(world: World) -> None:
    """Check everything that can be seen at the end."""
    _check_dead_letters(world)
    _check_messages(world)
    _check_ends(world)
    _check_outputs(world)
    _check_remains(world)


def _check_dead_letters(world: World) -> None:
    stream = world.nats.streams.streams.get(DEAD_LETTERS)
    for message in stream.messages if stream is not None else ():
        world.violate(
            "no dead letters",
            f"{message.headers.get('headrace-subject')}: {message.headers.get('headrace-reason')}",
            "dead",
        )


def _check_messages(world: World) -> None:
    """What a service has committed was published, and nothing else was."""
    committed = {
        str(row["event_id"]): row["subject"]
        for service in _SERVICES
        for row in world.postgres.schema(service).messages.values()
    }
    published = {
        one.headers["ce-id"]: one.subject
        for one in world.nats.streams.journal
        if not one.subject.startswith("dlq.")
    }
    for name in committed.keys() - published.keys():
        world.violate("no message is lost", committed[name], committed[name])
    for name in published.keys() - committed.keys():
        if not name.startswith("repeated-"):
            run = published[name].split(".")[-2][-8:]
            world.violate("what is published is committed", published[name], run)


def _check_ends(world: World) -> None:
    """All services hear of one end of each attempt."""
    ends: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in world.postgres.schema("executor").messages.values():
        body = json.loads(row["body"])
        if body["type"] in ("attempt.succeeded", "attempt.failed"):
            what = body.get("outputs") or body.get("failure")
            ends[body["task_id"], body["attempt"]].add(f"{body['type']} {json.dumps(what)}")
    for (task_id, attempt), found in ends.items():
        if len(found) > 1:
            details = f"attempt {attempt} of task {task_id[:8]}: {sorted(found)}"
            world.violate("an attempt has one end", details, task_id[:8])


def _check_outputs(world: World) -> None:
    """The outputs of a task are those of one execution, which has run to its end."""
    by_number = {str(one.number): one for one in world.executions}
    for row in world.postgres.schema("scheduler").tables["task"].values():
        if row["state"] != "SUCCEEDED" or row["parent_id"] is None:
            continue
        outputs: Any = row["outputs"]
        task = str(row["task_id"])[:8]
        numbers = set(map(str, outputs["parameters"].values()))
        for artifacts in outputs["artifacts"].values():
            for artifact in artifacts:
                key = artifact["uri"].removeprefix("s3://headrace/")
                numbers.add(world.bucket.held.get(key, b"none").decode())
        if len(numbers) != 1:
            details = f"task {task} has outputs of the executions {sorted(numbers)}"
            world.violate("outputs come from one execution", details, task)
            continue
        (number,) = numbers
        execution: Execution | None = by_number.get(number)
        if execution is None or execution.end != "succeeded":
            end = "there is none" if execution is None else f"it has {execution.end}"
            details = f"task {task} has the outputs of execution {number}: {end}"
            world.violate("outputs come from an execution that succeeded", details, task)


def remains(world: World) -> list[tuple[str, str]]:
    """What is left on the machines, each with the word by which the trace is searched."""
    found = []
    for host in world.hosts:
        steps = host.folder / "steps"
        for run in steps.iterdir() if steps.exists() else ():
            if run.is_dir() or run.name == STOP_MARK:
                names = sorted(one.name for one in run.iterdir()) if run.is_dir() else []
                word = names[0][:8] if names else run.name[-8:]
                found.append((f"{host.name} still has {run.name[-8:]}: {names}", word))
    return found


def _check_remains(world: World) -> None:
    for details, word in remains(world):
        world.violate("no folder is left", details, word)
