"""Small pipelines as IR."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parse import parse_document


def shell_pipeline(
    tasks: Mapping[str, Sequence[str]],
    *,
    name: str = "graph",
    command: Sequence[str] = ("sh", "-c", "true"),
    outputs: Sequence[str] = (),
) -> dict[str, Any]:
    """The IR of a pipeline of container steps. `tasks`: each task, and the tasks whose output
    ``value`` it takes. Each task has an output parameter ``value``; those of `outputs` are also
    outputs of the pipeline."""
    components: dict[str, Any] = {}
    executors: dict[str, Any] = {}
    dag_tasks: dict[str, Any] = {}
    for task, upstream in tasks.items():
        inputs = {f"from-{other}": {"parameterType": "STRING"} for other in upstream}
        components[f"comp-{task}"] = {
            "executorLabel": f"exec-{task}",
            "inputDefinitions": {"parameters": inputs},
            "outputDefinitions": {"parameters": {"value": {"parameterType": "STRING"}}},
        }
        executors[f"exec-{task}"] = {"container": {"image": "none", "command": list(command)}}
        dag_tasks[task] = {
            "componentRef": {"name": f"comp-{task}"},
            "taskInfo": {"name": task},
            "inputs": {
                "parameters": {
                    f"from-{other}": {
                        "taskOutputParameter": {
                            "producerTask": other,
                            "outputParameterKey": "value",
                        }
                    }
                    for other in upstream
                }
            },
        }
    return {
        "pipelineInfo": {"name": name},
        "schemaVersion": "2.1.0",
        "root": {
            "dag": {
                "tasks": dag_tasks,
                "outputs": {
                    "parameters": {
                        task: {
                            "valueFromParameter": {
                                "producerSubtask": task,
                                "outputParameterKey": "value",
                            }
                        }
                        for task in outputs
                    }
                },
            },
            "outputDefinitions": {
                "parameters": {task: {"parameterType": "STRING"} for task in outputs}
            },
        },
        "components": components,
        "deploymentSpec": {"executors": executors},
    }


def loop_pipeline(items: int, limit: int, **options: Any) -> dict[str, Any]:
    """A ParallelFor over `items` constants, `limit` at a time, with one step inside."""
    spec = shell_pipeline({"each": []}, name="loop", **options)
    body = spec["root"]["dag"]
    value = {"producerSubtask": "each", "outputParameterKey": "value"}
    spec["components"]["comp-loop"] = {
        "dag": {
            "tasks": body["tasks"],
            "outputs": {"parameters": {"value": {"valueFromParameter": value}}},
        },
        "inputDefinitions": {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}},
        "outputDefinitions": {"parameters": {"value": {"parameterType": "LIST"}}},
    }
    spec["root"]["dag"] = {
        "tasks": {
            "loop": {
                "componentRef": {"name": "comp-loop"},
                "taskInfo": {"name": "loop"},
                "iteratorPolicy": {"parallelismLimit": limit},
                "parameterIterator": {
                    "itemInput": "item",
                    "items": {"raw": json.dumps(list(range(items)))},
                },
            }
        }
    }
    return spec


def shell_document(tasks: Mapping[str, Sequence[str]], **options: Any) -> PipelineDocument:
    """`shell_pipeline` as a parsed document."""
    return parse_document([shell_pipeline(tasks, **options)])
