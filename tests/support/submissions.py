"""Submissions of runs, as the api publishes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headrace_contracts.messages.events import PipelineIdentity, RunSubmitted
from headrace_contracts.values import BlobRef

RUN_ID = UUID("0190a0a0-0000-7000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def submitted(run_id: UUID = RUN_ID, **fields: Any) -> RunSubmitted:
    """A submission with all required fields. `fields` replace or add some."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "namespace": "default",
        "display_name": "a run",
        "experiment_id": UUID(int=1),
        "pipeline": PipelineIdentity(name="graph"),
        "spec": BlobRef(key="specs/none", bytes=0, sha256="0" * 64),
        "submitted_at": AT,
    }
    return RunSubmitted(**{**values, **fields})
