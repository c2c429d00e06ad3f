"""The comparable result of a run, without IDs, times and processes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.client import Client

from tests.mutual.known import known

_NOT_COMPARED = {
    "component",  # kfp's names of those in inner pipelines are random
    "created_at",
    "finished_at",
    "parent_task_id",  # the path has it
    "place",
    "started_at",
    "task_id",
}
_LARGEST_CONTENT = 4096
_FAILED_TASK = re.compile(r"task '[^']+' failed")
_REPLACED = {
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"): "<moment>",
    re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"): "<id>",
    re.compile(r"headrace-conformance-\w+"): "<folder>",
}


@dataclass(frozen=True)
class Difference:
    """A place where two results differ."""

    place: str
    kfp: Any
    headrace: Any

    @property
    def reason(self) -> str | None:
        """Why it is allowed; None when it is not."""
        if isinstance(self.kfp, str) and isinstance(self.headrace, str):
            return known(self.kfp, self.headrace)
        return None

    def __str__(self) -> str:
        return f"{self.place}: {_shown(self.kfp)} by kfp, {_shown(self.headrace)} by headrace"


def result(client: Client, run: Mapping[str, Any]) -> dict[str, Any]:
    """State, error, outputs, tasks by path, and the contents of small artifacts."""
    found = {key: run.get(key) for key in ("state", "error", "outputs", "metrics")}
    found["tasks"] = {task["path"]: _task(task) for task in run["tasks"]}
    found["contents"] = dict(_contents(client, run))
    return _without_ids(found, run)


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    compared = {key: value for key, value in task.items() if key not in _NOT_COMPARED}
    if compared.get("detail"):  # which of several tasks fails first, and ends the others, is random
        compared["detail"] = _FAILED_TASK.sub("task <failed> failed", compared["detail"])
    return compared


def differences(theirs: Any, ours: Any, place: str = "") -> Iterator[Difference]:
    """Where two results differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from differences(theirs.get(key), ours.get(key), f"{place}.{key}".lstrip("."))
    elif json.dumps(theirs) != json.dumps(ours):
        yield Difference(place, theirs, ours)


def _contents(client: Client, run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The contents of small files, by task path and artifact."""
    for task in run["tasks"]:
        for name, made in task["outputs"]["artifacts"].items():
            for index, artifact in enumerate(made):
                content = artifact["content"]
                if content["kind"] == "file" and content["bytes"] <= _LARGEST_CONTENT:
                    body = client.read(artifact["artifact_id"])
                    yield f"{task['path']}:{name}[{index}]", body.decode(errors="replace")


def _without_ids(found: dict[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(found)
    for task in run["tasks"]:
        for written in (task["task_id"], task["task_id"].replace("-", "")):
            text = text.replace(written, f"<{task['path']}>")
    text = text.replace(run["run_id"], "<run>")
    text = text.replace(f"-{run['run_id'][-5:]}", "-<run>")  # in its resource name
    for pattern, word in _REPLACED.items():
        text = pattern.sub(word, text)
    read: dict[str, Any] = json.loads(text, object_hook=_plain)
    return read


def _plain(read: dict[str, Any]) -> dict[str, Any]:
    """Without ids of artifacts, and messages without the last words of a step: the executors of
    the two SDKs have tracebacks of their own."""
    return {
        key: value.partition("; last output:")[0] if key == "message" and value else value
        for key, value in read.items()
        if key != "artifact_id"
    }


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:300]
