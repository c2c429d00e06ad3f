"""Which viewer shows which artifact."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headrace_contracts.values import Artifact

from headrace_ui_gateway.visualizations import artifacts as kfp_v2
from headrace_ui_gateway.visualizations import kfp_v1
from headrace_ui_gateway.visualizations.artifacts import Viewer

_BY_OUTPUT: Mapping[str, Viewer] = {
    "mlpipeline_ui_metadata": kfp_v1.ui_metadata,
    "mlpipeline_metrics": kfp_v1.metrics_file,
}
_BY_TYPE: Mapping[str, Viewer] = {
    "system.ClassificationMetrics": kfp_v2.classification_metrics,
    "system.HTML": kfp_v2.page,
    "system.Markdown": kfp_v2.text,
    "system.Metrics": kfp_v2.metrics,
    "system.SlicedClassificationMetrics": kfp_v2.sliced_metrics,
}
_IN_METADATA = (kfp_v2.classification_metrics, kfp_v2.metrics, kfp_v2.sliced_metrics)
"""Viewers that show an artifact's metadata, not its content."""


def viewer_of(output: str, artifact: Artifact) -> Viewer | None:
    """The viewer of an artifact, by the name of its output or by its type; None if the artifact
    cannot be shown or is empty."""
    known = _BY_OUTPUT.get(re.sub(r"[ -]", "_", output.lower()))
    viewer = known or _BY_TYPE.get(artifact.type.schema_title or "")
    is_empty = artifact.content.kind == "none" or (
        artifact.content.kind == "file" and not artifact.content.bytes
    )
    return None if is_empty and viewer not in _IN_METADATA else viewer
