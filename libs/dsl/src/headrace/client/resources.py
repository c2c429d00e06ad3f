"""Runs, tasks, artifacts and other resources as Python objects.

Each is a read-only mapping with every field of the HTTP API, and has the most used fields as typed
attributes. Times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.client.errors import RunFailedError

FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
"""The final states of a run."""


class Resource(Mapping[str, Any]):
    """A resource with the values that it had when it was read."""

    __slots__ = ("_fields",)
    _identity = ""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        name = self.get("display_name") or self.get("name") or ""
        state = f" {self['state']}" if "state" in self else ""
        return f"<{type(self).__name__} {self.get(self._identity, '')} {name!r}{state}>"

    def _time(self, key: str) -> datetime | None:
        value = self._fields.get(key)
        return None if value is None else datetime.fromisoformat(value)

    @property
    def display_name(self) -> str:
        """Its display name, or its name if it has none."""
        return str(self.get("display_name") or self.get("name") or "")

    @property
    def created_at(self) -> datetime | None:
        """When it was created."""
        return self._time("created_at")


class Artifact(Resource):
    """An artifact: its URI, type and metadata. `Client.read` and `download` fetch its content."""

    __slots__ = ()
    _identity = "artifact_id"

    @property
    def artifact_id(self) -> str:
        """Its id."""
        return str(self["artifact_id"])

    @property
    def name(self) -> str:
        """Its name, as set by the step or by KFP."""
        return str(self["name"])

    @property
    def type(self) -> str | None:
        """Its type's schema title, such as ``system.Dataset``; None if it has none."""
        kind = self.get("type")
        found = kind.get("schemaTitle") if isinstance(kind, Mapping) else kind
        return None if found is None else str(found)

    @property
    def uri(self) -> str:
        """Its URI in object storage."""
        return str(self["uri"])

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that the step recorded."""
        return dict(self.get("metadata") or {})


class Task(Resource):
    """A step, DAG or loop of a run."""

    __slots__ = ()
    _identity = "task_id"

    @property
    def task_id(self) -> str:
        """Its id."""
        return str(self["task_id"])

    @property
    def path(self) -> str:
        """Its path in the run without ``root/``, such as ``loop/2/train``."""
        return str(self["path"]).partition("/")[2]

    @property
    def state(self) -> str:
        """``PENDING``, ``READY``, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``SKIPPED``..."""
        return str(self["state"])

    @property
    def error(self) -> str | None:
        """Why it failed; None if it did not."""
        return (self.get("error") or {}).get("message")

    @property
    def outputs(self) -> dict[str, Any]:
        """Its output parameters by name."""
        return dict(self["outputs"]["parameters"])

    @property
    def artifacts(self) -> dict[str, list[Artifact]]:
        """Its output artifacts by output name. Each output is a list, usually of one artifact."""
        made = self["outputs"]["artifacts"]
        return {name: [Artifact(one) for one in several] for name, several in made.items()}

    def artifact(self, name: str) -> Artifact:
        """The artifact of an output, by the output's name; the first one if it is a list.

        Raises:
            KeyError: the output has no artifact.
        """
        for one in self.artifacts.get(name) or ():
            return one
        known = ", ".join(name for name, made in self.artifacts.items() if made)
        raise KeyError(f"task {self.path} has no artifact {name!r}; it has: {known or 'none yet'}")


class Run(Resource):
    """A run with its tasks (lists omit them). Notebooks render its graph and metrics."""

    __slots__ = ("link",)
    _identity = "run_id"

    def __init__(self, fields: Mapping[str, Any], gateway: str = "") -> None:
        super().__init__(fields)
        self.link = f"{gateway}/runs/{fields.get('run_id', '')}"
        """The URL of its page."""

    @property
    def run_id(self) -> str:
        """Its id."""
        return str(self["run_id"])

    @property
    def state(self) -> str:
        """``PENDING``, ``RUNNING``, ``PAUSED``, ``CANCELING``, ``SUCCEEDED``, ``FAILED``..."""
        return str(self["state"])

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def succeeded(self) -> bool:
        """Whether it ended as SUCCEEDED."""
        return self.state == "SUCCEEDED"

    @property
    def error(self) -> str | None:
        """Why it failed; None if it did not."""
        return (self.get("error") or {}).get("message")

    @property
    def parameters(self) -> dict[str, Any]:
        """Its input parameters."""
        return dict(self.get("parameters") or {})

    @property
    def outputs(self) -> dict[str, Any]:
        """Its output parameters."""
        return dict((self.get("outputs") or {}).get("parameters") or {})

    @property
    def metrics(self) -> dict[str, float]:
        """The numeric values of its metrics artifacts, by name."""
        return dict(self.get("metrics") or {})

    @property
    def tasks(self) -> list[Task]:
        """Its tasks in the order of the graph; empty for a run from a list."""
        return [Task(one) for one in self.get("tasks") or ()]

    @property
    def artifacts(self) -> list[Artifact]:
        """All output artifacts of its tasks."""
        return [
            one for task in self.tasks for several in task.artifacts.values() for one in several
        ]

    @property
    def started_at(self) -> datetime | None:
        """When it started; None if it has not."""
        return self._time("started_at")

    @property
    def finished_at(self) -> datetime | None:
        """When it ended; None if it has not."""
        return self._time("finished_at")

    def task(self, name: str) -> Task:
        """A task by its path, id or name; the first one if several tasks have the name.

        Raises:
            KeyError: no task matches.
        """
        for key in ("path", "task_id", "name", "display_name"):
            for one in self.tasks:
                if name in (one[key], one.path):
                    return one
        known = ", ".join(one.path for one in self.tasks[:20])
        raise KeyError(f"run {self.run_id} has no task {name!r}; it has: {known or 'none yet'}")

    def check(self) -> Run:
        """The run itself if it succeeded.

        Raises:
            RunFailedError: the run is in any other state.
        """
        if not self.succeeded:
            because = f": {self.error}" if self.error else ""
            raise RunFailedError(self, f"run {self.run_id} is {self.state}{because}; {self.link}")
        return self

    def _repr_html_(self) -> str:
        from headrace.client.html.runs import run_html

        return run_html(self, self.link)


class Pipeline(Resource):
    """A stored pipeline; its specs are in its versions."""

    __slots__ = ()
    _identity = "pipeline_id"

    @property
    def pipeline_id(self) -> str:
        """Its id."""
        return str(self["pipeline_id"])

    @property
    def name(self) -> str:
        """Its name, unique in the namespace."""
        return str(self["name"])


class PipelineVersion(Resource):
    """A pipeline version; its spec is ``["document"]`` (lists omit it)."""

    __slots__ = ()
    _identity = "pipeline_version_id"

    @property
    def pipeline_version_id(self) -> str:
        """Its id."""
        return str(self["pipeline_version_id"])

    @property
    def pipeline_id(self) -> str:
        """Its pipeline's id."""
        return str(self["pipeline_id"])

    @property
    def name(self) -> str:
        """Its name, unique in the pipeline."""
        return str(self["name"])


class Experiment(Resource):
    """A named group of runs."""

    __slots__ = ()
    _identity = "experiment_id"

    @property
    def experiment_id(self) -> str:
        """Its id."""
        return str(self["experiment_id"])


class RecurringRun(Resource):
    """A schedule that submits runs of a pipeline."""

    __slots__ = ()
    _identity = "recurring_run_id"

    @property
    def recurring_run_id(self) -> str:
        """Its id."""
        return str(self["recurring_run_id"])

    @property
    def enabled(self) -> bool:
        """Whether it submits runs."""
        return bool(self["enabled"])

    @property
    def next_at(self) -> datetime | None:
        """The next scheduled time; None if there is none or it is disabled."""
        return self._time("next_at")


def in_order(tasks: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A run's tasks, given by id, in topological order: each before the tasks inside it and the
    tasks that depend on it."""
    positions: dict[str, tuple[int, ...]] = {}

    def position(task: dict[str, Any]) -> tuple[int, ...]:
        known = positions.get(task["task_id"])
        if known is None:
            parent = tasks.get(task.get("parent_task_id") or "")
            known = (*(position(parent) if parent else ()), task.get("position", 0))
            positions[task["task_id"]] = known
        return known

    return sorted(tasks.values(), key=position)
