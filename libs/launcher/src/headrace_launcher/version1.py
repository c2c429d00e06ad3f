"""Files that a step of version 1 of the SDK may write for the platform to read.

Source: KFP 1.8, "Pipelines metrics": ``{"metrics": [{"name", "numberValue", "format"}]}``, and
"Visualize Results in the Pipelines UI": ``{"outputs": [{"type", "source", "storage", ...}]}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

UI_METADATA = "mlpipeline_ui_metadata"
METRICS = "mlpipeline_metrics"
_METRICS_TYPE = {"schemaTitle": "system.Metrics", "schemaVersion": "0.0.1"}
_LARGEST_BYTES = 1 << 20


def tell_sources(name: str, path: str, true_uri: Callable[[Any], Any]) -> None:
    """In a UI metadata file, say of sources that are artifacts of the step where they lie for
    everybody else: their local places are gone when the step has ended. Another file, or one that
    is not of that form, stays as it is."""
    if name != UI_METADATA:
        return
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        known = [one for one in told["outputs"] if one.get("storage") != "inline"]
        true = [true_uri(one.get("source")) for one in known]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if true != [one.get("source") for one in known]:
        for one, source in zip(known, true, strict=True):
            one["source"] = source
        with open(path, "w", encoding="utf-8") as file:
            json.dump(told, file)


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
