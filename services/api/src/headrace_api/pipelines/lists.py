"""What the lists of pipelines and of pipeline versions can be filtered and sorted by."""

from __future__ import annotations

from headrace_runtime.lists.page import Field, FieldFamily, Kind, ListDefinition
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.stores import DESCRIPTION_FIELDS, NAMESPACE_FIELD

_TAGS = {"tags.": FieldFamily("(tags ->> {name})", Kind.TEXT)}
_PIPELINES = {
    **NAMESPACE_FIELD,
    **DESCRIPTION_FIELDS,
    "pipeline_id": Field("pipeline_id", Kind.ID),
    "name": Field("name", Kind.TEXT),
}
_VERSIONS = {
    **DESCRIPTION_FIELDS,
    "pipeline_version_id": Field("pipeline_version_id", Kind.ID),
    "pipeline_id": Field("pipeline_id", Kind.ID),
    "name": Field("name", Kind.TEXT),
}


def pipeline_list(signer: TokenSigner) -> ListDefinition:
    """The list of pipelines, with page tokens of this deployment."""
    return ListDefinition("pipelines", _PIPELINES, "pipeline_id", signer, families=_TAGS)


def version_list(signer: TokenSigner) -> ListDefinition:
    """The list of a pipeline's versions, with page tokens of this deployment."""
    return ListDefinition(
        "pipeline versions", _VERSIONS, "pipeline_version_id", signer, families=_TAGS
    )
