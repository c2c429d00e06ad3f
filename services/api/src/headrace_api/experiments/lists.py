"""What the list of experiments can be filtered and sorted by."""

from __future__ import annotations

from headrace_runtime.lists.page import Field, Kind, ListDefinition
from headrace_runtime.lists.tokens import TokenSigner

from headrace_api.stores import DESCRIPTION_FIELDS, NAMESPACE_FIELD

_FIELDS = {
    **NAMESPACE_FIELD,
    **DESCRIPTION_FIELDS,
    "experiment_id": Field("experiment_id", Kind.ID),
    "archived": Field("archived", Kind.FLAG, sortable=False),
    "last_run_created_at": Field("last_run_created_at", Kind.TIME),
}


def experiment_list(signer: TokenSigner) -> ListDefinition:
    """The list, with page tokens of this deployment."""
    return ListDefinition("experiments", _FIELDS, "experiment_id", signer)
