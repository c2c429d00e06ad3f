"""Placeholders of Argo Workflows, which strings in version 1 can contain."""

from __future__ import annotations

import re

from headrace.v1 import refused

_ARGO = {
    "{{workflow.uid}}": "{{$.pipeline_job_uuid}}",
    "{{workflow.name}}": "{{$.pipeline_job_resource_name}}",
    "{{pod.name}}": "{{$.pipeline_task_uuid}}",
}
_OTHER_ARGO = re.compile(r"\{\{(workflow|inputs|outputs|tasks|steps|pod)\.[^}]*\}\}")


def translate(text: str) -> str:
    """Replace the placeholders of Argo by those of the IR.

    Raises:
        NotInIRError: A placeholder has no counterpart.
    """
    for old, new in _ARGO.items():
        text = text.replace(old, new)
    other = _OTHER_ARGO.search(text)
    if other is not None:
        refused.refuse(
            f"The placeholder {other[0]}",
            "An exit task gets the outcome of the steps if it is a @dsl.component with a parameter "
            "of the type dsl.PipelineTaskFinalStatus."
            if other[1] == "workflow"
            else "Pass outputs of ops as arguments.",
        )
    return text
