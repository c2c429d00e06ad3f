"""Random pipelines of steps whose outputs say which execution made them."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import Any
from uuid import UUID

from headrace_contracts.ids import uuid7
from headrace_contracts.ir.parse import parse_document
from headrace_contracts.messages.events import PipelineIdentity, RunSubmitted
from headrace_contracts.values import BlobRef

from tests.simulation.clock import START
from tests.support.submissions import submitted

_DURATIONS = ("0", "0", "0.05", "0.2", "0.24", "0.3", "1", "4", "12", "30")
_ARTIFACT = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}
_STRING = {"parameterType": "STRING"}


def pipeline(chance: random.Random) -> bytes:
    """The frozen spec of a pipeline of two to four steps."""
    names = [f"t{index}" for index in range(chance.randint(2, 4))]
    components: dict[str, Any] = {}
    executors: dict[str, Any] = {}
    tasks: dict[str, Any] = {}
    for index, name in enumerate(names):
        upstream = [one for one in names[:index] if chance.random() < 0.6]
        components[f"comp-{name}"] = {
            "executorLabel": f"exec-{name}",
            "inputDefinitions": {
                "parameters": {f"value-{one}": _STRING for one in upstream},
                "artifacts": {f"blob-{one}": _ARTIFACT for one in upstream},
            },
            "outputDefinitions": {
                "parameters": {"value": _STRING},
                "artifacts": {"blob": _ARTIFACT},
            },
        }
        failing = chance.choice(("0", "0", "0", "0.3"))
        given = [f"{{{{$.inputs.parameters['value-{one}']}}}}" for one in upstream]
        pairs = [
            word
            for one, value in zip(upstream, given, strict=True)
            for word in (f"value-{one}", value)
        ]
        command = ["simulate", chance.choice(_DURATIONS), failing, *pairs]
        executors[f"exec-{name}"] = {"container": {"image": "none", "command": command}}
        tasks[name] = {
            "componentRef": {"name": f"comp-{name}"},
            "taskInfo": {"name": name},
            "dependentTasks": upstream,
            "cachingOptions": {"enableCache": chance.random() < 0.2},
            "retryPolicy": {"maxRetryCount": chance.randint(0, 2), "backoffDuration": "1s"},
            "inputs": {
                "parameters": {
                    f"value-{one}": _output(one, "Parameter", "value") for one in upstream
                },
                "artifacts": {f"blob-{one}": _output(one, "Artifact", "blob") for one in upstream},
            },
        }
    spec = {
        "pipelineInfo": {"name": "simulated"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.0.0",
        "root": {"dag": {"tasks": tasks}},
        "components": components,
        "deploymentSpec": {"executors": executors},
    }
    return parse_document([spec]).model_dump_json(by_alias=True).encode()


def _output(task: str, kind: str, key: str) -> dict[str, Any]:
    return {f"taskOutput{kind}": {"producerTask": task, f"output{kind}Key": key}}


def submission(number: int, chance: random.Random, spec: bytes) -> RunSubmitted:
    """A run of this spec, which is stored under its digest."""
    digest = sha256(spec).hexdigest()
    milliseconds = int(START.timestamp() * 1000) + number
    run_id: UUID = uuid7(milliseconds, chance.getrandbits(74))
    return submitted(
        run_id,
        pipeline=PipelineIdentity(name="simulated"),
        spec=BlobRef(key=f"specs/{digest}.json", bytes=len(spec), sha256=digest),
        submitted_at=START,
    )
