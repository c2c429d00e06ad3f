"""Files that a step of version 1 of the SDK may write for the platform to read.

Source: KFP 1.8, "Pipelines metrics": ``{"metrics": [{"name", "numberValue", "format"}]}``.
"""

from __future__ import annotations

import json
import math
from typing import Any

UI_METADATA = "mlpipeline_ui_metadata"
METRICS = "mlpipeline_metrics"
_METRICS_TYPE = {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}
_LARGEST_BYTES = 1 << 20


def as_metrics(name: str, path: str) -> dict[str, Any]:
    """What a manifest says of a metrics file: that the artifact is one of metrics, and its numbers.
    Nothing of another output, or of a file that is not of that form."""
    if name != METRICS:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            told = json.loads(file.read(_LARGEST_BYTES))
        numbers = {str(one["name"]): one["numberValue"] for one in told["metrics"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    kept = {key: value for key, value in numbers.items() if _is_number(value)}
    return {"type": _METRICS_TYPE, "metadata": kept} if kept else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
