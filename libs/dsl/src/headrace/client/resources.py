"""What the gateway tells of, as Python objects.

Each is its answer, as a read-only mapping with every field of the HTTP API, and has the fields
that are used most as typed attributes. Moments are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from headrace.client.errors import RunFailedError

FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
"""The states of a run that has ended."""


class Resource(Mapping[str, Any]):
    """One thing as it stood when it was read."""

    __slots__ = ("_answer",)
    _identity = ""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = dict(answer)

    def __getitem__(self, key: str) -> Any:
        return self._answer[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answer)

    def __len__(self) -> int:
        return len(self._answer)

    def __repr__(self) -> str:
        name = self.get("display_name") or self.get("name") or ""
        state = f" {self['state']}" if "state" in self else ""
        return f"<{type(self).__name__} {self.get(self._identity, '')} {name!r}{state}>"

    def _moment(self, key: str) -> datetime | None:
        value = self._answer.get(key)
        return None if value is None else datetime.fromisoformat(value)

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return str(self.get("display_name") or self.get("name") or "")

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        return self._moment("created_at")


class Artifact(Resource):
    """An artifact: where it lies and what is known of it; its content is read by the client."""

    __slots__ = ()
    _identity = "artifact_id"

    @property
    def artifact_id(self) -> str:
        """Its id."""
        return str(self["artifact_id"])

    @property
    def name(self) -> str:
        """Its name, as the step or KFP gave it."""
        return str(self["name"])

    @property
    def type(self) -> str | None:
        """Its type's schema title, such as ``system.Dataset``; None when it has none."""
        kind = self.get("type")
        found = kind.get("schemaTitle") if isinstance(kind, Mapping) else kind
        return None if found is None else str(found)

    @property
    def uri(self) -> str:
        """Where it lies in object storage."""
        return str(self["uri"])

    @property
    def metadata(self) -> dict[str, Any]:
        """What the step has noted of it."""
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
        """Where it stands in the graph, without ``root/``: ``loop/2/train``."""
        return str(self["path"]).partition("/")[2]

    @property
    def state(self) -> str:
        """``PENDING``, ``READY``, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``SKIPPED``..."""
        return str(self["state"])

    @property
    def error(self) -> str | None:
        """Why it failed, in a sentence."""
        return (self.get("error") or {}).get("message")

    @property
    def outputs(self) -> dict[str, Any]:
        """Its output parameters by name."""
        return dict(self["outputs"]["parameters"])

    @property
    def artifacts(self) -> dict[str, list[Artifact]]:
        """Its output artifacts by name; each output is a list, most have one."""
        made = self["outputs"]["artifacts"]
        return {name: [Artifact(one) for one in several] for name, several in made.items()}

    def artifact(self, name: str) -> Artifact:
        """The artifact of one of its outputs; of a list, the first.

        Raises:
            KeyError: it has made none.
        """
        for one in self.artifacts.get(name) or ():
            return one
        known = ", ".join(name for name, made in self.artifacts.items() if made)
        raise KeyError(f"task {self.path} has no artifact {name!r}; it has: {known or 'none yet'}")


class Run(Resource):
    """A run with its tasks (without them in lists). A notebook shows its graph and metrics."""

    __slots__ = ("link",)
    _identity = "run_id"

    def __init__(self, answer: Mapping[str, Any], gateway: str = "") -> None:
        super().__init__(answer)
        self.link = f"{gateway}/runs/{answer.get('run_id', '')}"
        """Its page."""

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
        """Whether it has ended with success."""
        return self.state == "SUCCEEDED"

    @property
    def error(self) -> str | None:
        """Why it failed, in a sentence."""
        return (self.get("error") or {}).get("message")

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that it was submitted with."""
        return dict(self.get("parameters") or {})

    @property
    def outputs(self) -> dict[str, Any]:
        """Its output parameters."""
        return dict((self.get("outputs") or {}).get("parameters") or {})

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers in its metrics artifacts, by name."""
        return dict(self.get("metrics") or {})

    @property
    def tasks(self) -> list[Task]:
        """Its tasks in the order of the graph; none in a list of runs."""
        return [Task(one) for one in self.get("tasks") or ()]

    @property
    def artifacts(self) -> list[Artifact]:
        """All artifacts that its tasks have made."""
        return [
            one for task in self.tasks for several in task.artifacts.values() for one in several
        ]

    @property
    def started_at(self) -> datetime | None:
        """When it began."""
        return self._moment("started_at")

    @property
    def finished_at(self) -> datetime | None:
        """When it ended."""
        return self._moment("finished_at")

    def task(self, name: str) -> Task:
        """A task by its path, name or id. A name that several have is the first one's.

        Raises:
            KeyError: there is none.
        """
        for key in ("path", "task_id", "name", "display_name"):
            for one in self.tasks:
                if name in (one[key], one.path):
                    return one
        known = ", ".join(one.path for one in self.tasks[:20])
        raise KeyError(f"run {self.run_id} has no task {name!r}; it has: {known or 'none yet'}")

    def check(self) -> Run:
        """Itself, when it has succeeded.

        Raises:
            RunFailedError: it has not.
        """
        if not self.succeeded:
            because = f": {self.error}" if self.error else ""
            raise RunFailedError(self, f"run {self.run_id} is {self.state}{because}; {self.link}")
        return self

    def _repr_html_(self) -> str:
        from headrace.client.html import run_html

        return run_html(self)


class Pipeline(Resource):
    """A stored pipeline; what it does is in its versions."""

    __slots__ = ()
    _identity = "pipeline_id"

    @property
    def pipeline_id(self) -> str:
        """Its id."""
        return str(self["pipeline_id"])

    @property
    def name(self) -> str:
        """Its name, its own in the namespace."""
        return str(self["name"])


class PipelineVersion(Resource):
    """A version of a pipeline; its spec is ``["document"]`` (not in lists)."""

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
        """Its name, its own in the pipeline."""
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
    """What is submitted by the clock."""

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
        """Its next slot; None when there is none, or it is disabled."""
        return self._moment("next_at")


def in_order(tasks: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A run's tasks by id as the graph is read: each before those inside it and those that depend
    on it."""
    places: dict[str, tuple[int, ...]] = {}

    def place(task: dict[str, Any]) -> tuple[int, ...]:
        known = places.get(task["task_id"])
        if known is None:
            parent = tasks.get(task.get("parent_task_id") or "")
            known = (*(place(parent) if parent else ()), task.get("position", 0))
            places[task["task_id"]] = known
        return known

    return sorted(tasks.values(), key=place)
