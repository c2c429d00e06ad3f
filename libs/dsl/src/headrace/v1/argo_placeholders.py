"""Placeholders of Argo Workflows, which texts of version 1 contain."""

from __future__ import annotations

import re

from headrace.v1 import refused

_ARGO = {
    "{{workflow.uid}}": "{{$.pipeline_job_uuid}}",
    "{{workflow.name}}": "{{$.pipeline_job_resource_name}}",
    "{{pod.name}}": "{{$.pipeline_task_uuid}}",
}
_OTHER_ARGO = re.compile(r"\{\{(workflow|inputs|outputs|tasks|steps|pod)\.[^}]*\}\}")


def translated(text: str) -> str:
    """A text with the placeholders of Argo replaced by those of the IR.

    Raises:
        NotInIRError: one has no counterpart.
    """
    for old, new in _ARGO.items():
        text = text.replace(old, new)
    other = _OTHER_ARGO.search(text)
    if other is not None:
        refused.refuse(
            f"The placeholder {other[0]}",
            "How the steps ended is told to an exit task by a parameter of a @dsl.component that "
            "is a dsl.PipelineTaskFinalStatus."
            if other[1] == "workflow"
            else "Pass outputs of ops as arguments.",
        )
    return text
