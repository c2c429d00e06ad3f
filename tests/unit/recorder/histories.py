"""The event history of one run: a cache hit, a lost attempt, a failure, a pause, a retried run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.messages import events as e
from headrace_contracts.states import TaskKind
from headrace_contracts.values import BlobRef, Inputs, Outputs
from headrace_recorder.core.rows import TaskRow

RUN = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")
BEGIN = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
LOST = Failure(code=FailureCode.ATTEMPT_LOST, message="the process vanished\nfor ever")
BROKE = Failure(code=FailureCode.COMMAND_FAILED, message="exit code 1", task_name="train")
HIT = e.Origin(kind="cache", run_id=UUID(int=7), task_id=UUID(int=8))

Published = tuple[e.Event, datetime]


def of(path: str) -> UUID:
    return uuid5(RUN, path)


def at(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)


def planned(path: str, *after: str, **fields: Any) -> e.PlannedTask:
    """The plan of the task at `path`, which depends on its siblings `after`."""
    parent, _, name = path.rpartition("/")
    return e.PlannedTask(
        task_id=of(path),
        name=name,
        display_name=name,
        path=path,
        parent_task_id=of(parent) if parent != "root" else None,
        dependencies=tuple(of(f"{parent}/{other}") for other in after),
        **{"component": f"comp-{name}", **fields},
    )


def submitted(**fields: Any) -> e.RunSubmitted:
    return e.RunSubmitted(
        run_id=RUN,
        namespace="default",
        display_name="a run",
        experiment_id=UUID(int=5),
        pipeline=e.PipelineIdentity(name="train"),
        spec=BlobRef(key="specs/x.json", bytes=2, sha256="00"),
        submitted_at=at(0),
        **fields,
    )


def fingerprint(digest: str, **parts: Any) -> e.Fingerprint:
    return e.Fingerprint(digest=digest, parts=parts)


def _task(path: str, attempt: int) -> dict[str, Any]:
    return {
        "run_id": RUN,
        "task_id": of(path),
        "name": path.rpartition("/")[2],
        "attempt": attempt,
    }


def ready(path: str, attempt: int, **fields: Any) -> e.TaskReady:
    inputs = Inputs(parameters={"attempt": attempt})
    return e.TaskReady(**_task(path, attempt), inputs=inputs, **fields)


def began(path: str, attempt: int, second: float) -> e.AttemptStarted:
    return e.AttemptStarted(
        run_id=RUN,
        task_id=of(path),
        attempt=attempt,
        started_at=at(second),
        place=f"process {attempt} on here",
        log=f"logs/{path}/{attempt}",
    )


def worked(path: str, attempt: int, second: float) -> e.AttemptSucceeded:
    return e.AttemptSucceeded(
        run_id=RUN,
        task_id=of(path),
        attempt=attempt,
        outputs=Outputs(parameters={"of": attempt}),
        started_at=at(second),
        finished_at=at(second + 0.5),
        log_text=f"said by {path} {attempt}",
        place=f"process {attempt} on here",
    )


def broke(path: str, attempt: int, second: float, failure: Failure) -> e.AttemptFailed:
    return e.AttemptFailed(
        run_id=RUN, task_id=of(path), attempt=attempt, failure=failure, finished_at=at(second)
    )


def succeeded(path: str, attempt: int, **fields: Any) -> e.TaskSucceeded:
    outputs = Outputs(parameters={"of": attempt})
    return e.TaskSucceeded(**_task(path, attempt), outputs=outputs, **fields)


def history() -> list[Published]:
    """prepare (from the cache) -> train (lost, repeated, failed; succeeds after the run is retried)
    -> report, a DAG with one step that is skipped. The run is paused and resumed in between."""
    prepare, train, report = "root/prepare", "root/train", "root/report"
    train_again = {"fingerprint": fingerprint("second", seed=2)}
    events: list[e.Event] = [
        submitted(),
        e.RunStarted(
            run_id=RUN,
            revision=1,
            tasks=(
                planned(prepare, position=0),
                planned(train, "prepare", position=1),
                planned(report, "train", position=2, kind=TaskKind.DAG),
            ),
        ),
        succeeded(prepare, 0, inputs=Inputs(), origin=HIT, fingerprint=fingerprint("hit")),
        ready(train, 1, fingerprint=fingerprint("first", seed=1)),
        e.AttemptPreparing(run_id=RUN, task_id=of(train), attempt=1, message="installing"),
        began(train, 1, 5),
        broke(train, 1, 6, LOST),
        e.TaskWaiting(**_task(train, 1), failure=LOST, due_at=at(60)),
        e.RunPaused(run_id=RUN, revision=2),
        e.RunResumed(run_id=RUN, revision=3),
        ready(train, 2),
        began(train, 2, 12),
        broke(train, 2, 13, BROKE),
        e.TaskFailed(**_task(train, 2), failure=BROKE),
        e.TaskSkipped(**_task(report, 0), reason="train has failed"),
        e.RunFailed(run_id=RUN, revision=4, failure=BROKE),
        e.RunArchived(run_id=RUN),
        e.RunUnarchived(run_id=RUN),
        e.RunRetried(run_id=RUN, revision=5),
        e.TaskReset(**_task(train, 3)),
        e.TaskReset(**_task(report, 1)),
        ready(train, 3, **train_again),
        began(train, 3, 23),
        worked(train, 3, 23),
        succeeded(train, 3),
        e.TaskStarted(**_task(report, 1), inputs=Inputs(parameters={"of": 3})),
        e.TasksPlanned(run_id=RUN, tasks=(planned(f"{report}/print", position=0),)),
        e.TaskSkipped(**_task(f"{report}/print", 0), reason="its condition is false"),
        succeeded(report, 1),
        e.RunSucceeded(run_id=RUN, revision=6, outputs=Outputs(parameters={"of": 3})),
    ]
    return [(event, at(second)) for second, event in enumerate(events)]


def task_row(path: str, position: int = 0, *after: str, **fields: Any) -> TaskRow:
    """The row of a task that was planned."""
    plan = planned(path, *after, position=position, **fields.pop("plan", {})).model_dump(
        mode="json"
    )
    return TaskRow(of(path), RUN, plan=plan, created_at=at(10), **fields)
