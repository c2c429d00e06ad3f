"""The Headrace SDK: authoring, the compiler, loading of components, the client, the command line.

``from headrace import dsl, compiler, components, kubernetes, Client``. Each part is imported on
first use, so that authoring does not load the client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.version import VERSION as __version__

if TYPE_CHECKING:
    from headrace import compiler, components, dsl, gcp, kubernetes
    from headrace.client import AsyncClient, Client

__all__ = [
    "AsyncClient",
    "Client",
    "__version__",
    "compiler",
    "components",
    "dsl",
    "gcp",
    "kubernetes",
]


def __getattr__(name: str) -> Any:
    if name in ("AsyncClient", "Client"):
        return getattr(import_module("headrace.client"), name)
    if name in __all__:
        return import_module(f"headrace.{name}")
    raise AttributeError(f"module 'headrace' has no attribute {name!r}")
