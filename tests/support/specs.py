"""A valid pipeline with every kind of binding, and functions that make it invalid."""

from __future__ import annotations

import copy
from typing import Any

Spec = dict[str, Any]


def training() -> Spec:
    """The IR of a pipeline of two steps. ``prepare`` outputs data and a count; ``train`` takes
    both, a parameter of the pipeline and a constant, and outputs what the pipeline outputs."""
    return {
        "pipelineInfo": {"name": "train-digits", "description": "two steps"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.0",
        "root": {
            "inputDefinitions": {
                "parameters": {
                    "rounds": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
                    "label": {"parameterType": "STRING"},
                },
            },
            "outputDefinitions": {
                "parameters": {"accuracy": {"parameterType": "NUMBER_DOUBLE"}},
                "artifacts": {"model": {"artifactType": artifact_type("Model")}},
            },
            "dag": {
                "tasks": {"prepare": _prepare_task(), "train": _train_task()},
                "outputs": {
                    "parameters": {
                        "accuracy": {
                            "valueFromParameter": {
                                "producerSubtask": "train",
                                "outputParameterKey": "accuracy",
                            }
                        }
                    },
                    "artifacts": {
                        "model": {
                            "artifactSelectors": [
                                {"producerSubtask": "train", "outputArtifactKey": "model"}
                            ]
                        }
                    },
                },
            },
        },
        "components": {"comp-prepare": _prepare_component(), "comp-train": _train_component()},
        "deploymentSpec": {
            "executors": {
                "exec-prepare": container(["prepare"]),
                "exec-train": container(["train"]),
            }
        },
    }


def platform() -> Spec:
    """A platform spec with supported settings only."""
    return {
        "platforms": {
            "kubernetes": {
                "deploymentSpec": {"executors": {"exec-train": {"activeDeadlineSeconds": "60"}}}
            }
        }
    }


def artifact_type(name: str) -> Spec:
    """A system artifact type as the compiler writes it."""
    return {"schemaTitle": f"system.{name}", "schemaVersion": "0.0.1"}


def container(command: list[str]) -> Spec:
    """An executor that runs a command."""
    return {"container": {"image": "python:3.11", "command": command}}


def spoiled(spec: Spec, place: str, value: Any) -> Spec:
    """A copy of `spec` with `value` at `place`, a path such as ``root/dag/tasks``."""
    changed = copy.deepcopy(spec)
    *parents, last = place.split("/")
    node = changed
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value
    return changed


def without(spec: Spec, place: str) -> Spec:
    """A copy of `spec` without what is at `place`."""
    changed = copy.deepcopy(spec)
    *parents, last = place.split("/")
    node = changed
    for key in parents:
        node = node[key]
    del node[last]
    return changed


def _prepare_task() -> Spec:
    return {
        "taskInfo": {"name": "prepare"},
        "componentRef": {"name": "comp-prepare"},
        "inputs": {"parameters": {"label": {"componentInputParameter": "label"}}},
        "cachingOptions": {"enableCache": True},
    }


def _train_task() -> Spec:
    return {
        "taskInfo": {"name": "train"},
        "componentRef": {"name": "comp-train"},
        "dependentTasks": ["prepare"],
        "inputs": {
            "parameters": {
                "rounds": {"componentInputParameter": "rounds"},
                "rate": {"runtimeValue": {"constant": 0.25}},
                "rows": {
                    "taskOutputParameter": {
                        "producerTask": "prepare",
                        "outputParameterKey": "rows",
                    }
                },
            },
            "artifacts": {
                "data": {
                    "taskOutputArtifact": {
                        "producerTask": "prepare",
                        "outputArtifactKey": "data",
                    }
                }
            },
        },
    }


def _prepare_component() -> Spec:
    return {
        "executorLabel": "exec-prepare",
        "inputDefinitions": {"parameters": {"label": {"parameterType": "STRING"}}},
        "outputDefinitions": {
            "parameters": {"rows": {"parameterType": "NUMBER_INTEGER"}},
            "artifacts": {"data": {"artifactType": artifact_type("Dataset")}},
        },
    }


def _train_component() -> Spec:
    return {
        "executorLabel": "exec-train",
        "inputDefinitions": {
            "parameters": {
                "rounds": {"parameterType": "NUMBER_INTEGER"},
                "rows": {"parameterType": "NUMBER_INTEGER"},
                "rate": {"parameterType": "NUMBER_DOUBLE", "isOptional": True},
                "note": {"parameterType": "STRING", "defaultValue": ""},
            },
            "artifacts": {
                "data": {"artifactType": artifact_type("Dataset")},
                "baseline": {"artifactType": artifact_type("Model"), "isOptional": True},
            },
        },
        "outputDefinitions": {
            "parameters": {"accuracy": {"parameterType": "NUMBER_DOUBLE"}},
            "artifacts": {"model": {"artifactType": artifact_type("Model")}},
        },
    }
