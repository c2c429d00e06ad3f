"""Submissions and runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from tests.chaos.checks.observation import Observation
from tests.chaos.journal import ENDED, Submission, Violation

_FREE_LOSSES = 3
"""An attempt that the platform lost is repeated so often; after that its task may fail."""


def one_run_a_submission(seen: Observation) -> Iterator[Violation]:
    """Each submission that was acknowledged is one run, however often it was repeated; one without
    an answer is at most one."""
    for one in seen.submissions():
        if len(set(one.run_ids)) > 1:
            yield _about(one, f"answers name several runs: {sorted(set(one.run_ids))}")
        found = seen.by_name.get(one.name, [])
        if len(found) > 1:
            yield _about(one, f"{len(found)} runs: {found}")
        if one.run_id is not None and not found and not one.did("delete"):
            yield _about(one, "acknowledged, but there is no such run")
        if one.run_id is not None and found and one.run_id not in found:
            yield _about(one, f"acknowledged as {one.run_id}, but the run is {found}")


def accepted(seen: Observation) -> Iterator[Violation]:
    """No valid submission is rejected, and each is answered in the end."""
    for one in seen.submissions():
        # A repeated request for a deleted run is a conflict, and so it should be.
        if one.refused and not one.did("delete") and not one.refused.startswith("507"):
            yield _about(one, f"rejected: {one.refused}")
        if one.key is not None and one.answered is None:
            yield _about(one, f"never answered, after {one.requests} requests")


def every_run_ended(seen: Observation) -> Iterator[Violation]:
    """Every run has ended, and so have all of its tasks."""
    for run_id, run in seen.runs.items():
        if run["state"] not in ENDED:
            states = Counter(f"{task['name']} {task['state']}" for task in run["tasks"] or ())
            yield Violation(
                "every-run-ended", f"is {run['state']}: {dict(states)}", run_id, None, _brief(run)
            )
            continue
        open_tasks = [
            f"{task['name']} {task['state']}"
            for task in run["tasks"] or ()
            if task["state"] not in (*ENDED, "SKIPPED")
        ]
        if open_tasks:
            yield Violation(
                "every-run-ended",
                f"has {run['state']}, but its tasks have not ended: {open_tasks}",
                run_id,
                None,
                _brief(run),
            )


def expected_states(seen: Observation) -> Iterator[Violation]:
    """Each run ends as its pipeline must, unless a fault hit the step's own command or disk."""
    for one in seen.submissions():
        for run_id in seen.by_name.get(one.name, []):
            run = seen.runs.get(run_id)
            if run is None or run["state"] not in ENDED:
                continue
            allowed = set(one.states)
            if one.did("cancel"):
                allowed.add("CANCELED")
            if excuse(seen, run):
                allowed.add("FAILED")
            if run["state"] not in allowed:
                wanted = " or ".join(sorted(allowed))
                yield Violation(
                    "expected-state",
                    f"{one.name} is {run['state']} instead of {wanted}: {_why(run)}",
                    run_id,
                    _moment(run["finished_at"]),
                    _brief(run),
                )


def sources_agree(seen: Observation) -> Iterator[Violation]:
    """Gateway, KFP's API, api, scheduler and recorder have the same state for each ended run."""
    kfp = {"CANCELED": {"CANCELED", "FAILED"}}
    for run_id, run in seen.runs.items():
        state = run["state"]
        if state not in ENDED:
            continue  # it has its own violation, and may have ended since it was read
        for source, states in seen.states.items():
            found = states.get(run_id)
            allowed = kfp.get(state, {state}) if source == "kfp" else {state}
            if found not in allowed:
                yield Violation(
                    "sources-agree",
                    f"the gateway says {state}, {source} says {found}",
                    f"{run_id} {source}",
                )


def logs_are_readable(seen: Observation) -> Iterator[Violation]:
    """The log of each task that ran can be read."""
    for (run_id, task_id), status in seen.logs.items():
        run = seen.runs[run_id]
        if status != 200 and not excuse(seen, run):
            yield Violation(
                "logs-readable",
                f"GET of a log of {run['display_name']}, which is {run['state']}, has status "
                f"{status}",
                f"{run_id} {task_id}",
                _moment(run["finished_at"]),
            )


def excuse(seen: Observation, run: dict[str, object]) -> str | None:
    """Why a run may fail although its pipeline must not: what the harness did to its steps."""
    run_id = str(run["run_id"])
    lost: Counter[str] = Counter()
    for fault in seen.faults("kill", "terminate", "kill-at-start"):
        for launch in set(fault.launches):
            if not launch.startswith(run_id):
                continue
            if fault.target == "step":
                return f"fault {fault.number} ended the step's command"
            lost[launch[37:73]] += 1
    if any(count > _FREE_LOSSES for count in lost.values()):
        return "its launcher was ended too often"
    began, ended = _moment(run["created_at"]), _moment(run["finished_at"])
    for fault in seen.faults("disk-full"):
        if began is None or ended is None or fault.ended is None:
            continue
        if began <= fault.ended and ended >= fault.began:
            return f"fault {fault.number} filled the disk of its steps"
    return None


def _about(one: Submission, message: str) -> Violation:
    doors = f"{one.door}, {one.requests} requests, answers {one.run_ids}"
    return Violation("submissions", f"{one.name} ({doors}): {message}", one.name, one.sent)


def _moment(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None


def _why(run: dict[str, object]) -> str:
    tasks = run["tasks"] or ()
    assert isinstance(tasks, list | tuple)
    errors = [
        f"{task['name']} attempt {task['attempt']}: {task['error'].get('message', '')[:300]}"
        for task in tasks
        if task.get("error")
    ]
    return "; ".join(errors) or str(run.get("error"))


def _brief(run: dict[str, object]) -> dict[str, object]:
    tasks = run["tasks"] or ()
    assert isinstance(tasks, list | tuple)
    kept = ("name", "task_id", "state", "attempt", "started_at", "finished_at", "error", "detail")
    return {
        "display_name": run["display_name"],
        "state_history": run["state_history"],
        "error": run.get("error"),
        "tasks": [{key: task.get(key) for key in kept} for task in tasks],
    }
