"""What the list of recurring runs can be filtered and sorted by."""

from __future__ import annotations

from headrace_runtime.lists.page import Field, Kind, ListDefinition
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.stores import NAMESPACE_FIELD

_FIELDS = {
    **NAMESPACE_FIELD,
    "recurring_run_id": Field("recurring_run_id", Kind.ID),
    "display_name": Field("(definition ->> 'display_name')", Kind.TEXT),
    "description": Field("coalesce(definition ->> 'description', '')", Kind.TEXT),
    "experiment_id": Field("(definition ->> 'experiment_id')", Kind.TEXT, sortable=False),
    "enabled": Field("enabled", Kind.FLAG, sortable=False),
    "created_at": Field("created_at", Kind.TIME),
    "updated_at": Field("updated_at", Kind.TIME),
}


def recurring_run_list(signer: TokenSigner) -> ListDefinition:
    """The list, with page tokens of this deployment."""
    return ListDefinition("recurring runs", _FIELDS, "recurring_run_id", signer)
