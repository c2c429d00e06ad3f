"""Which artifact is shown by which viewer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headrace_contracts.values import Artifact

from headrace_ui_gateway.visualizations import artifacts as v
from headrace_ui_gateway.visualizations import kfp_v1 as v1

_BY_OUTPUT: Mapping[str, v.Viewer] = {
    "mlpipeline_ui_metadata": v1.ui_metadata,
    "mlpipeline_metrics": v1.metrics_file,
}
_BY_TYPE: Mapping[str, v.Viewer] = {
    "system.ClassificationMetrics": v.classification_metrics,
    "system.HTML": v.page,
    "system.Markdown": v.text,
    "system.Metrics": v.metrics,
    "system.SlicedClassificationMetrics": v.sliced_metrics,
}
_IN_METADATA = (v.classification_metrics, v.metrics, v.sliced_metrics)


def viewer_of(output: str, artifact: Artifact) -> v.Viewer | None:
    """The viewer of an artifact, by the name of its output or its type; None where it shows
    nothing."""
    known = _BY_OUTPUT.get(re.sub(r"[ -]", "_", output.lower()))
    viewer = known or _BY_TYPE.get(artifact.type.schema_title or "")
    wrote_nothing = artifact.content.kind == "none" or (
        artifact.content.kind == "file" and not artifact.content.bytes
    )
    return None if wrote_nothing and viewer not in _IN_METADATA else viewer
