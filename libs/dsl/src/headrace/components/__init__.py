"""Components that are loaded from texts, files and addresses."""

from __future__ import annotations

from headrace.components.load import (
    load_component_from_file,
    load_component_from_text,
    load_component_from_url,
)
from headrace.dsl.base import (
    BaseComponent,
    ContainerComponent,
    GraphComponent,
    PythonComponent,
    YamlComponent,
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
