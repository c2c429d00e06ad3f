"""Output files of version 1 of the SDK that the platform reads: metrics and UI metadata.

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
_MAX_BYTES = 1 << 20


def rewrite_sources(name: str, path: str, object_uri: Callable[[Any], Any]) -> None:
    """In a UI metadata file, replace local paths of the step's artifacts by their URIs in object
    storage: the local paths are gone when the step has ended. Another output, or a malformed file,
    stays as it is."""
    if name != UI_METADATA:
        return
    try:
        with open(path, encoding="utf-8") as file:
            metadata = json.load(file)
        outputs = [out for out in metadata["outputs"] if out.get("storage") != "inline"]
        sources = [object_uri(out.get("source")) for out in outputs]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if sources != [out.get("source") for out in outputs]:
        for out, source in zip(outputs, sources, strict=True):
            out["source"] = source
        with open(path, "w", encoding="utf-8") as file:
            json.dump(metadata, file)


def read_metrics(name: str, path: str) -> dict[str, Any]:
    """The type and metadata of a metrics file, for its manifest entry; empty for any other output
    and for a malformed file."""
    if name != METRICS:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            metrics = json.loads(file.read(_MAX_BYTES))["metrics"]
        values = {str(metric["name"]): metric["numberValue"] for metric in metrics}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    numbers = {key: value for key, value in values.items() if _is_number(value)}
    return {"type": _METRICS_TYPE, "metadata": numbers} if numbers else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
