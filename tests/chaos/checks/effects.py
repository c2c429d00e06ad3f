"""What the steps recorded about themselves, against what the deployment recorded about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.chaos.checks.observation import Execution, Observation
from tests.chaos.checks.runs import excuse
from tests.chaos.journal import ENDED, Violation

_STOPS = (
    "restart",
    "restart-repeatedly",
    "up-during-down",
    "several-ups",
    "terminate-supervisor",
    "disk-full",
)
_SAFE_SECONDS = 5.0
"""So long after the end of its command, the result of a step is safe."""
_LATE_SECONDS = 2.0
"""A run's end is recorded before the end is committed; steps start a moment after the decision."""


def no_overlap(seen: Observation) -> Iterator[Violation]:
    """No two executions of one task are alive at the same time."""
    for run_id, executions in seen.executions.items():
        by_nonce = {e.nonce: e for e in executions}
        for execution in executions:
            for other in execution.overlaps:
                first = by_nonce.get(other)
                yield Violation(
                    "no-overlap",
                    f"{_name(execution)} started while {_name(first)} was still running",
                    f"{run_id} {execution.nonce}",
                    execution.began,
                    [_record(e) for e in executions if e.task == execution.task],
                )


def one_execution_an_attempt(seen: Observation) -> Iterator[Violation]:
    """An attempt is executed again only if a fault ended its execution."""
    for run_id, executions in seen.executions.items():
        for earlier, later in _successions(executions):
            if earlier.attempt == later.attempt and not _was_hit(seen, earlier):
                yield Violation(
                    "one-execution",
                    f"{_name(later)} ran although {_name(earlier)} was not ended by a fault",
                    f"{run_id} {later.nonce}",
                    later.began,
                    [_record(earlier), _record(later)],
                )


def repeated_for_a_reason(seen: Observation) -> Iterator[Violation]:
    """A command that has succeeded is run again only if its launcher was hit before the result was
    safe, or if somebody asked for it."""
    retried = {one.run_id for one in seen.submissions() if one.did("retry")}
    for run_id, executions in seen.executions.items():
        if run_id in retried:
            continue
        for earlier, later in _successions(executions):
            if earlier.how == "succeeded" and not _was_hit(seen, earlier):
                yield Violation(
                    "repeated-for-a-reason",
                    f"{_name(later)} ran although {_name(earlier)} had succeeded, and nobody hit "
                    "its launcher",
                    f"{run_id} {later.nonce}",
                    later.began,
                    [_record(earlier), _record(later)],
                )


def outputs_of_one_execution(seen: Observation) -> Iterator[Violation]:
    """The parameter and the artifact that a step reads come from the same execution, and it is the
    one that is recorded."""
    for run_id, executions in seen.executions.items():
        outputs = {
            value
            for task in seen.runs.get(run_id, {}).get("tasks") or ()
            for value in (task["outputs"] or {}).get("parameters", {}).values()
        }
        for execution in executions:
            saw = execution.saw
            if len(set(saw.values())) > 1:
                yield Violation(
                    "one-execution-made-the-outputs",
                    f"{_name(execution)} got the parameter of {saw.get('parameter')} and the "
                    f"artifact of {saw.get('artifact')}",
                    f"{run_id} {execution.nonce}",
                    execution.began,
                    [_record(e) for e in executions],
                )
            elif (
                saw
                and outputs
                and saw["parameter"] not in outputs
                and seen.runs[run_id]["state"] in ENDED
            ):
                yield Violation(
                    "one-execution-made-the-outputs",
                    f"{_name(execution)} got the outputs of {saw['parameter']}, which no task "
                    "has as its output",
                    f"{run_id} {execution.nonce}",
                    execution.began,
                    sorted(map(str, outputs)),
                )


def recorded_attempts(seen: Observation) -> Iterator[Violation]:
    """The recorded number of attempts is that of the last execution, and a step that succeeded was
    executed to its end in that attempt."""
    for run_id, run in seen.runs.items():
        for task in run["tasks"] or ():
            executions = [e for e in seen.executions.get(run_id, []) if e.task == task["task_id"]]
            if not executions or run["state"] not in ENDED:
                continue
            if task["attempt"] < max(e.attempt for e in executions):
                yield Violation(
                    "recorded-attempts",
                    f"{task['name']} has attempt {task['attempt']} recorded, but was executed in "
                    f"attempt {max(e.attempt for e in executions)}",
                    f"{run_id} {task['task_id']}",
                    None,
                    [_record(e) for e in executions],
                )
            ends = [e for e in executions if e.attempt == task["attempt"] and e.how == "succeeded"]
            if task["state"] == "SUCCEEDED" and not ends and not _is_cached(task):
                yield Violation(
                    "recorded-attempts",
                    f"{task['name']} succeeded in attempt {task['attempt']}, but no execution of "
                    "it came to its end",
                    f"{run_id} {task['task_id']}",
                    None,
                    [_record(e) for e in executions],
                )


def nothing_after_the_end(seen: Observation) -> Iterator[Violation]:
    """No step starts after its run has ended."""
    for run_id, executions in seen.executions.items():
        run = seen.runs.get(run_id)
        if run is None or not run.get("finished_at"):
            continue
        finished = datetime.fromisoformat(run["finished_at"]).timestamp()
        if any(fault.kind == "clock" for fault in seen.faults_of_round()):
            continue  # the recorded end may be by a wrong clock
        for execution in executions:
            if execution.began > finished + _LATE_SECONDS:
                yield Violation(
                    "nothing-after-the-end",
                    f"{_name(execution)} started {execution.began - finished:.1f} s after the "
                    f"run's end as {run['state']}",
                    f"{run_id} {execution.nonce}",
                    execution.began,
                )


def exit_handlers(seen: Observation) -> Iterator[Violation]:
    """The exit handler of each run whose body started ran to its end, exactly once."""
    kinds = {run_id: one for one in seen.submissions() for run_id in one.run_ids}
    for run_id, run in seen.runs.items():
        one = kinds.get(run_id)
        if one is None or one.kind not in ("handled", "failing") or run["state"] not in ENDED:
            continue
        executions = seen.executions.get(run_id, [])
        bodies = [e for e in executions if e.step == "give"]
        ends = [e for e in executions if e.step == "act" and e.how == "succeeded"]
        handlers = [e for e in executions if e.step == "act"]
        excused = one.did("retry") or any(_was_hit(seen, e) for e in handlers)
        if bodies and not ends and not excused and not excuse(seen, run):
            yield Violation(
                "exit-handlers",
                f"{one.name} is {run['state']}, but its exit handler never came to its end",
                run_id,
                None,
                [_record(e) for e in executions],
            )
        if len(ends) > 1 and not excused:
            yield Violation(
                "exit-handlers",
                f"the exit handler of {one.name} came to its end {len(ends)} times",
                run_id,
                None,
                [_record(e) for e in executions],
            )


def _was_hit(seen: Observation, execution: Execution) -> bool:
    """Whether a fault ended the execution, or its launcher before the result was safe."""
    if not execution.launcher:
        return True  # its launcher was gone before it could record it
    ended = execution.ended or float("inf")
    for fault in seen.faults("kill", "terminate", "kill-at-start"):
        if execution.launch in fault.launches or execution.launcher in fault.pids:
            return True
    # An orderly stop ends steps, also between their command's end and their result.
    return any(
        fault.began <= ended + _SAFE_SECONDS
        and (fault.ended is None or execution.began <= fault.ended)
        for fault in seen.faults(*_STOPS)
    )


def _successions(executions: list[Execution]) -> Iterator[tuple[Execution, Execution]]:
    """Each execution of a task with the one before it."""
    last: dict[str, Execution] = {}
    for execution in executions:
        if execution.task in last:
            yield last[execution.task], execution
        last[execution.task] = execution


def _is_cached(task: dict[str, Any]) -> bool:
    return bool(task.get("origin"))


def _name(execution: Execution | None) -> str:
    if execution is None:
        return "another execution"
    return f"{execution.step} (attempt {execution.attempt}, execution {execution.nonce[:8]})"


def _record(execution: Execution) -> dict[str, Any]:
    return {
        "step": execution.step,
        "launch": execution.launch,
        "nonce": execution.nonce,
        "pid": execution.pid,
        "launcher": execution.launcher,
        "began": execution.began,
        "ended": execution.ended,
        "how": execution.how,
        "saw": execution.saw,
    }


def counted(seen: Observation) -> Counter[str]:
    """Numbers for the report."""
    every = [e for executions in seen.executions.values() for e in executions]
    return Counter(
        executions=len(every),
        repeated=sum(e.attempt > 1 for e in every),
        unfinished=sum(e.how is None for e in every),
    )
