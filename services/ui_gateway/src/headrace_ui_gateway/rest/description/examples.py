"""An example of each request and response body of ``/api/v1``, by the name of its schema."""

from __future__ import annotations

from typing import Any

_RUN = "01920f3a-7c1e-7b34-9d21-5f0c8b1a2e67"
_TASK = "2f1c9a52-93c1-5d0e-8a44-7d1b6f0e9c11"
_EXPERIMENT = "01920f39-1b2c-7d55-8e0a-3c4d5e6f7a80"
_PIPELINE = "01920f38-aa10-7c02-b6f1-0d9e8c7b6a50"
_VERSION = "01920f38-aa15-7e21-91c7-1a2b3c4d5e6f"
_RECURRING = "01920f40-0000-7a11-8b22-9c8d7e6f5a40"
_ARTIFACT = "7b0c1d2e-3f4a-5b6c-8d7e-9f0a1b2c3d4e"
_AT = "2026-11-24T09:30:00Z"
_LATER = "2026-11-24T09:31:12Z"
_URI = f"s3://headrace/runs/default/training/{_RUN}/train/model"

_MODEL = {
    "name": "model",
    "uri": _URI,
    "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
    "metadata": {"framework": "sklearn"},
    "content": {"kind": "file", "bytes": 18244, "files": 1},
    "artifact_id": _ARTIFACT,
}
_TASK_EXAMPLE = {
    "task_id": _TASK,
    "run_id": _RUN,
    "name": "train",
    "display_name": "train",
    "path": "root/train",
    "kind": "STEP",
    "dependencies": [],
    "component": "comp-train",
    "image": "python:3.11",
    "position": 0,
    "state": "SUCCEEDED",
    "attempt": 1,
    "inputs": {"parameters": {"rounds": 200}, "artifacts": {}},
    "outputs": {"parameters": {}, "artifacts": {"model": [_MODEL]}},
    "created_at": _AT,
    "started_at": _AT,
    "finished_at": _LATER,
    "has_log": True,
}
_RUN_IN_A_LIST = {
    "run_id": _RUN,
    "namespace": "default",
    "experiment_id": _EXPERIMENT,
    "display_name": "training 2026-11-24",
    "pipeline": {
        "name": "training",
        "pipeline_id": _PIPELINE,
        "pipeline_version_id": _VERSION,
    },
    "parameters": {"rounds": 200},
    "state": "SUCCEEDED",
    "state_history": [
        {"state": "PENDING", "at": _AT},
        {"state": "RUNNING", "at": _AT},
        {"state": "SUCCEEDED", "at": _LATER},
    ],
    "metrics": {"accuracy": 0.93},
    "created_at": _AT,
    "started_at": _AT,
    "finished_at": _LATER,
    "version": 12,
}
_EXPERIMENT_EXAMPLE = {
    "experiment_id": _EXPERIMENT,
    "namespace": "default",
    "display_name": "churn",
    "description": "Who leaves, and why.",
    "created_at": _AT,
    "archived": False,
    "last_run_created_at": _AT,
}
_PIPELINE_EXAMPLE = {
    "pipeline_id": _PIPELINE,
    "namespace": "default",
    "name": "training",
    "display_name": "Training",
    "description": "",
    "created_at": _AT,
    "tags": {"team": "search"},
    "max_active_runs": 4,
}
_VERSION_EXAMPLE = {
    "pipeline_version_id": _VERSION,
    "pipeline_id": _PIPELINE,
    "name": "v2",
    "display_name": "v2",
    "description": "",
    "created_at": _AT,
    "tags": {},
    "code_source_url": "https://example.org/training",
}
_DEFINITION = {
    "display_name": "nightly",
    "namespace": "default",
    "trigger": {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"},
    "pipeline": {"name": "training"},
    "parameters": {"day": "[[ScheduledTime]]"},
    "max_concurrency": 1,
    "catch_up": False,
}
_RECURRING_EXAMPLE = {
    **_DEFINITION,
    "recurring_run_id": _RECURRING,
    "experiment_id": _EXPERIMENT,
    "experiment": "Default",
    "next_at": "2026-11-25T02:00:00Z",
    "fired": 3,
    "last_run_id": _RUN,
    "last_scheduled_at": "2026-11-24T02:00:00Z",
    "created_at": _AT,
    "updated_at": _AT,
}
_RECORD = {
    "artifact_id": _ARTIFACT,
    "namespace": "default",
    "run_id": _RUN,
    "task_id": _TASK,
    "output": "model",
    "name": "model",
    "type": "system.Model",
    "uri": _URI,
    "metadata": {"framework": "sklearn"},
    "created_at": _LATER,
}
_LINEAGE = {
    "artifact_id": _ARTIFACT,
    "run_id": _RUN,
    "task_id": _TASK,
    "type": "OUTPUT",
    "key": "model",
}
_LAST = {"total_size": 1}

EXAMPLES: dict[str, Any] = {
    "SubmitRun": {
        "pipeline": {"name": "training", "version": "v2"},
        "parameters": {"rounds": 200},
        "experiment": "churn",
    },
    "Run": {**_RUN_IN_A_LIST, "tasks": [_TASK_EXAMPLE]},
    "RunPage": {
        "runs": [_RUN_IN_A_LIST],
        "next_page_token": "Y2hvc2VuLWJ5LXRoZS1zZXJ2ZXI",
        "total_size": 214,
    },
    "Task": _TASK_EXAMPLE,
    "TaskPage": {"tasks": [_TASK_EXAMPLE], **_LAST},
    "RunEvents": {
        "events": [
            {
                "seq": 4711,
                "event_id": f"run.started:{_RUN}:1",
                "type": "run.started",
                "time": _AT,
                "body": {"type": "run.started", "v": 1, "run_id": _RUN},
            }
        ]
    },
    "RerunPreview": {
        "reuse": [{"task_id": _TASK, "path": "root/load", "display_name": "load"}],
        "run": [{"task_id": _TASK, "path": "root/train", "display_name": "train"}],
    },
    "CacheExplanation": {
        "hit": False,
        "used": True,
        "reason": "differs from the closest earlier execution in: image",
        "fingerprint": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
        "parts": {"image": "python:3.12"},
        "closest": {"run_id": _RUN, "task_id": _TASK},
        "differs": [{"part": "image", "was": "python:3.11", "is": "python:3.12"}],
    },
    "ArtifactRecord": _RECORD,
    "ArtifactPage": {"artifacts": [_RECORD], **_LAST},
    "ArtifactTaskPage": {"artifact_tasks": [_LINEAGE], **_LAST},
    "Files": {"files": [{"path": "part-0.csv", "url": "http://store.example/part-0.csv?sig=x"}]},
    "Visualizations": {
        "visualizations": [
            {
                "type": "confusion_matrix",
                "artifact_id": _ARTIFACT,
                "task_id": _TASK,
                "path": "root/evaluate",
                "output": "metrics",
                "position": 0,
                "title": "confusion matrix",
                "labels": ["stays", "leaves"],
                "counts": [[940, 12], [31, 88]],
                "totals": [952, 119],
                "axes": ["target", "predicted"],
                "truncated": False,
            }
        ],
        "truncated": False,
    },
    "NewExperiment": {"display_name": "churn", "description": "Who leaves, and why."},
    "Experiment": _EXPERIMENT_EXAMPLE,
    "ExperimentPage": {"experiments": [_EXPERIMENT_EXAMPLE], **_LAST},
    "Pipeline": _PIPELINE_EXAMPLE,
    "PipelinePage": {"pipelines": [_PIPELINE_EXAMPLE], **_LAST},
    "PipelineChanges": {"description": "Trains on a week.", "tags": {"team": "search"}},
    "PipelineVersion": _VERSION_EXAMPLE,
    "PipelineVersionPage": {"pipeline_versions": [_VERSION_EXAMPLE], **_LAST},
    "VersionChanges": {"tags": {"stage": "production"}},
    "RecurringRunDefinition": _DEFINITION,
    "RecurringRun": _RECURRING_EXAMPLE,
    "RecurringRunChanges": {"max_concurrency": 2},
    "RecurringRunPage": {"recurring_runs": [_RECURRING_EXAMPLE], **_LAST},
    "Moments": {"moments": ["2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z"]},
    "NamespaceLimits": {"namespace": "default", "max_active_runs": 20},
    "LimitChange": {"max_active_runs": 20},
    "Info": {
        "name": "headrace",
        "version": "0.1.0",
        "apis": ["/api/v1", "/apis/v2beta1"],
        "roles": {"default": "editor"},
        "max_package_bytes": 33554432,
        "max_page_size": 200,
    },
    "Health": {"multi_user": True, "accepts_new_work": True, "reason": None},
    "Me": {
        "kind": "user",
        "name": "alice",
        "roles": {"team-a": "editor"},
        "multi_user": True,
    },
    "Session": {"token": "3f6c0d"},
    "Done": {},
}

STREAMS = {
    "get_page": "<!doctype html><title>Report</title><p>All went well.</p>",
    "get_log": "loaded 20000 rows\naccuracy 0.93\n",
    "watch_runs": "event: runs\ndata: {}\n\n",
    "watch_run": f'event: run\nid: 12\ndata: {{"run_id":"{_RUN}","state":"SUCCEEDED"}}\n\n',
    "follow_events": f'id: 4711\ndata: {{"seq":4711,"type":"run.started","time":"{_AT}"}}\n\n',
}

PROBLEMS: dict[int, dict[str, Any]] = {
    400: {
        "code": "MALFORMED",
        "detail": "page_size: Input should be less than or equal to 200",
        "field": "page_size",
    },
    401: {"code": "UNAUTHENTICATED", "detail": "a bearer token is required"},
    403: {
        "code": "FORBIDDEN",
        "detail": "this needs the role editor in namespace 'default'",
    },
    404: {"code": "NOT_FOUND", "detail": f"there is no run {_RUN}"},
    409: {
        "code": "CONFLICT",
        "detail": "there is an experiment 'churn' already",
        "field": "display_name",
    },
    412: {
        "code": "PRECONDITION_FAILED",
        "detail": "the resource was modified since you read it; fetch it again",
        "field": "If-Match",
    },
    413: {"code": "TOO_LARGE", "detail": "the body is larger than 32 MiB"},
    415: {
        "code": "UNSUPPORTED_MEDIA_TYPE",
        "detail": "unsupported Content-Type 'text/html'; send application/json",
        "field": "Content-Type",
    },
    429: {"code": "TOO_MANY_REQUESTS", "detail": "too many requests; retry in 2 s"},
    503: {"code": "UNAVAILABLE", "detail": "service temporarily unavailable; retry"},
    507: {
        "code": "INSUFFICIENT_STORAGE",
        "detail": "not enough free space in /srv/headrace: 41.2 MiB are free, and 256.0 MiB are "
        "needed to accept new work; delete runs that are no longer needed, or free disk space, "
        "and try again",
    },
}
