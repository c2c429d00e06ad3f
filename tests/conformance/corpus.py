"""A corpus of compiled pipelines, with expected states, arguments, outputs and notes in
``expectations.yaml``. Notes that a program can check are checked here, by the entry's name.

The packages pin the SDK release that compiled them. Some were compiled from later sources than
that release and use what it lacks, so the pin is replaced by the SDK that compiles the suite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml
from headrace.client import Client, ClientError

from tests.conformance.runs import Outcome, arguments, run, tasks_by_path

SDK = "2.17.3"
_PIN = re.compile(r"(?<=kfp==)[0-9.]+")

Run = Mapping[str, Any]
Check = Callable[[Run, Run | None, Mapping[str, Any]], Iterator[str]]


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of the corpus, by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((folder / "expectations.yaml").read_text())
    return found


def check_entry(client: Client, folder: Path, name: str, entry: Mapping[str, Any]) -> Outcome:
    """Run one entry; twice when its note is about the cache."""
    outcome = Outcome(name)
    package = _PIN.sub(SDK, (folder / "kfp" / f"{name}.yaml").read_text())
    given = arguments(entry.get("args") or {})
    twice = "cached" in entry.get("note", "") or "cache" in name
    request = {"parameters": given, "display_name": name, "caching": twice}
    try:
        found = run(client, package, request)
        again = run(client, package, request) if twice else None
    except (ClientError, TimeoutError) as error:
        outcome.differences.append(str(error))
        return outcome
    outcome.run_id = found["run_id"]
    outcome.differences += _expected(found, entry)
    check = _CHECKS.get(name)
    if check is not None:
        outcome.differences += check(found, again, given)
    return outcome


def check_invalid(url: str, folder: Path) -> list[Outcome]:
    """Upload each invalid package, which has to be rejected with a message."""
    outcomes = []
    for path in sorted((folder / "kfp" / "invalid").iterdir()):
        response = httpx.post(
            f"{url}/apis/v2beta1/pipelines/upload",
            params={"name": path.name},
            files={"uploadfile": (path.name, path.read_bytes(), "application/octet-stream")},
            trust_env=False,
        )
        outcome = Outcome(f"invalid/{path.name}")
        said = response.json().get("error_message", "") if response.content else ""
        if response.status_code != 400 or not said:
            outcome.differences.append(f"status {response.status_code}, message {said!r}")
        outcomes.append(outcome)
    return outcomes


def _expected(found: Run, entry: Mapping[str, Any]) -> Iterator[str]:
    if found["state"] != entry["state"]:
        error = (found.get("error") or {}).get("message", "")
        yield f"state is {found['state']}, not {entry['state']}: {error[:400]}"
    for name, value in (entry.get("outputs") or {}).items():
        made = found["outputs"]["parameters"].get(name)
        if made != value:
            yield f"output {name!r} is {made!r}, not {value!r}"
    by_name = {task["display_name"]: task["state"] for task in found.get("tasks") or ()}
    for name, state in (entry.get("tasks") or {}).items():
        if by_name.get(name) != state:
            yield f"task {name!r} is {by_name.get(name)}, not {state}"


def _second_run_is_cached(first: Run, again: Run | None, _: Mapping[str, Any]) -> Iterator[str]:
    for path, task in tasks_by_path(again or {}).items():
        if task["kind"] == "STEP" and not task.get("origin"):
            yield f"{path} was not a cache hit"


def _exit_step_succeeded(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
    behind = [task for task in found["tasks"] if task.get("exit_task")]
    if [task["state"] for task in behind] != ["SUCCEEDED"]:
        yield f"exit tasks: {[(task['name'], task['state']) for task in behind]}"


def _branch_follows_the_coin(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
    tasks = tasks_by_path(found)
    heads = tasks["flip-coin-op"]["outputs"]["parameters"]["Output"] == "heads"
    state = tasks["condition-1"]["state"]
    if state != ("SUCCEEDED" if heads else "SKIPPED"):
        yield f"the branch is {state} after {'heads' if heads else 'tails'}"


def _marker_is_written(_: Run, __: Run | None, given: Mapping[str, Any]) -> Iterator[str]:
    if not Path(given["marker_path"]).exists():
        yield "the marker file was not written"


def _three_ids_in_order(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
    lists = [
        value
        for task in found["tasks"]
        for value in task["inputs"]["parameters"].values()
        if isinstance(value, list) and len(value) == 3
    ]
    if not any(values == sorted(values) for values in lists):
        yield f"no task got three ids in their order: {lists}"


def _is_one_of(name: str, allowed: tuple[str, ...]) -> Check:
    def check(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
        made = [
            value
            for task in found["tasks"]
            for value in [
                *task["inputs"]["parameters"].values(),
                *task["outputs"]["parameters"].values(),
            ]
        ]
        if not any(value in allowed for value in made):
            yield f"{name} is not one of {allowed}"

    return check


def _prints(count: int) -> Check:
    def check(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
        steps = [t for t in found["tasks"] if t["kind"] == "STEP" and t["state"] == "SUCCEEDED"]
        if len(steps) != count:
            yield f"{len(steps)} steps ran, not {count}"

    return check


def _ran_in_order(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
    tasks = {task["task_id"]: task for task in found["tasks"]}
    for task in tasks.values():
        for before in task.get("dependencies", ()):
            if tasks[before]["finished_at"] > task["started_at"]:
                yield f"{task['path']} started before {tasks[before]['path']} ended"


def _metrics_are_metadata(found: Run, _: Run | None, __: Mapping[str, Any]) -> Iterator[str]:
    metadata = [
        artifact["metadata"]
        for task in found["tasks"]
        for made in task["outputs"]["artifacts"].values()
        for artifact in made
    ]
    if not any(metadata):
        yield "no artifact has metadata"


_CHECKS: dict[str, Check] = {
    "critical/artifact_cache": _second_run_is_cached,
    "critical/parameter_cache": _second_run_is_cached,
    "local_execution/pipeline_with_caching": _second_run_is_cached,
    "failing/pipeline_with_exit_handler": _exit_step_succeeded,
    "essential/pipeline_with_condition": _branch_follows_the_coin,
    "local_execution/local_execution_pipeline_with_ignore_upstream_failure": _marker_is_written,
    "critical/collected_parameters": _three_ids_in_order,
    "critical/parameter_oneof": _is_one_of("the result", ("Got heads!", "Got tails!")),
    "critical/pipeline_with_workspace": _is_one_of("an output", ("Hello from workspace!",)),
    "pipeline_with_nested_loops": _prints(4 + 2 + 6),
    "essential/pipeline_with_after": _ran_in_order,
    "critical/parallel_for_after_dependency": _ran_in_order,
    "output_metrics": _metrics_are_metadata,
    "essential/pipeline_with_metrics_outputs": _metrics_are_metadata,
}
