"""The loaders of components from text, files and URLs, and the classes of components."""

from __future__ import annotations

from typing import NoReturn

from headrace.authoring.components import (
    BaseComponent,
    ContainerComponent,
    GraphComponent,
    PythonComponent,
    YamlComponent,
)
from headrace.loading.load import (
    load_component_from_file,
    load_component_from_text,
    load_component_from_url,
)

__all__ = [
    "BaseComponent",
    "ContainerComponent",
    "GraphComponent",
    "PythonComponent",
    "YamlComponent",
    "load_component_from_file",
    "load_component_from_text",
    "load_component_from_url",
]

_OF_VERSION1 = {
    "func_to_container_op": "Write the function with @dsl.component.",
    "create_component_from_func": "Write the function with @dsl.component.",
    "func_to_component_text": "Write the function with @dsl.component, and compile it.",
    "create_graph_component_from_pipeline_func": "Write the function with @dsl.pipeline, and call "
    "it in another pipeline.",
    "ComponentStore": "Load components with load_component_from_file or load_component_from_url.",
}


def __getattr__(name: str) -> NoReturn:
    instead = _OF_VERSION1.get(name)
    raise AttributeError(
        f"module 'headrace.components' has no attribute {name!r}"
        + (f": it belongs to version 1 and is not supported. {instead}" if instead else "")
    )
