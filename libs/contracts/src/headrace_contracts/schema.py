"""JSON schemas of everything that crosses a process boundary, for programs in other languages.

``python -m headrace_contracts.schema`` writes them to ``libs/contracts/schema``. They are
committed, so that every change of a contract is visible in review.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from headrace_contracts import recurring, resources
from headrace_contracts.base import Contract
from headrace_contracts.launches import LaunchFile, Progress, ResultManifest
from headrace_contracts.messages.commands import Command
from headrace_contracts.messages.events import Event

FOLDER = Path(__file__).parents[2] / "schema"

EVENTS: tuple[type[Contract], ...] = get_args(Event)
COMMANDS: tuple[type[Contract], ...] = get_args(Command)
LAUNCHES: tuple[type[Contract], ...] = (LaunchFile, Progress, ResultManifest)
RESOURCES: tuple[type[Contract], ...] = (
    resources.ArtifactPage,
    resources.ArtifactRecord,
    resources.ArtifactTask,
    resources.ArtifactTaskPage,
    resources.Experiment,
    resources.ExperimentPage,
    recurring.Moments,
    resources.NamespaceLimits,
    resources.Pipeline,
    resources.PipelineChanges,
    resources.PipelinePage,
    resources.PipelineVersion,
    resources.PipelineVersionPage,
    resources.Problem,
    recurring.RecurringRun,
    recurring.RecurringRunDefinition,
    recurring.RecurringRunPage,
    resources.Run,
    resources.RunPage,
    resources.SubmittedRun,
    resources.Task,
    resources.TaskPage,
    resources.VersionChanges,
)


def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by path in the schema folder, such as ``events/run.submitted.v1.json``."""
    return {
        **{f"events/{_message_name(model)}.json": _schema(model) for model in EVENTS},
        **{f"commands/{_message_name(model)}.json": _schema(model) for model in COMMANDS},
        **{f"launches/{_versioned(model)}.json": _schema(model) for model in LAUNCHES},
        **{f"resources/{model.__name__}.json": _schema(model) for model in RESOURCES},
    }


def text(schema: dict[str, Any]) -> str:
    """The content of a schema's file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def digest(schema: dict[str, Any]) -> str:
    """A digest of the constraints of a schema, in 16 hex digits. Titles and descriptions do not
    count."""
    return sha256(json.dumps(_constraints(schema), sort_keys=True).encode()).hexdigest()[:16]


def write(folder: Path = FOLDER) -> None:
    """Write the current schemas to `folder` and delete others."""
    current = schemas()
    for path in folder.rglob("*.json"):
        if path.relative_to(folder).as_posix() not in current:
            path.unlink()
    for name, schema in current.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(schema))


def _schema(model: type[Contract]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
    }


def _message_name(model: type[Contract]) -> str:
    return f"{model.model_fields['type'].default}.v{model.model_fields['v'].default}"


def _versioned(model: type[Contract]) -> str:
    return f"{model.__name__}.v{model.model_fields['v'].default}"


def _constraints(schema: Any) -> Any:
    """The schema without titles and descriptions. A property called `title` is a mapping, not a
    string."""
    if isinstance(schema, dict):
        return {
            key: _constraints(value)
            for key, value in schema.items()
            if not (key in ("title", "description") and isinstance(value, str))
        }
    if isinstance(schema, list):
        return [_constraints(item) for item in schema]
    return schema


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
