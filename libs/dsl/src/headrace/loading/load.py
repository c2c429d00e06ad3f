"""Loads components: IR of a component or a pipeline, and component files of version 1."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from headrace.authoring.components import YamlComponent
from headrace.loading.from_component_file import component_from_file_spec
from headrace.loading.from_ir import component_from_ir

_TIMEOUT_SECONDS = 60


def load_component_from_text(text: str) -> YamlComponent:
    """Load a component from YAML: IR, with the platform spec as an optional second document, or a
    component file of version 1.

    Raises:
        ValueError: It is neither, or incomplete.
        TypeError: A component file of version 1 is not valid.
    """
    spec, platform = _documents(text)
    if "implementation" in spec:
        from headrace.v1.ops.component_op import Version1Component

        return Version1Component(component_from_file_spec(spec), text, spec)
    component, ir = component_from_ir(spec, platform, text)
    return YamlComponent(component, text, ir)


def load_component_from_file(file_path: str) -> YamlComponent:
    """Load a component from a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file does not contain a component.
    """
    return load_component_from_text(Path(file_path).read_text(encoding="utf-8"))


def load_component_from_url(url: str, auth: tuple[str, str] | None = None) -> YamlComponent:
    """Load a component from an http, https or gs URL.

    Args:
        url: The URL; a gs URL must be a public object.
        auth: A user name and a password.

    Raises:
        ValueError: The URL has another scheme, or the response is not a component.
        OSError: The server cannot be reached, or responds with an error.
    """
    if not isinstance(url, str):
        raise ValueError("url must be a string.")
    if url.startswith("gs://"):
        url = "https://storage.googleapis.com/" + url[len("gs://") :]
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"The URL of a component must be an http, https or gs URL. Got: {url!r}")
    request = Request(url)  # noqa: S310 the scheme was checked
    if auth is not None:
        credentials = base64.b64encode(":".join(auth).encode()).decode("ascii")
        request.add_header("Authorization", f"Basic {credentials}")
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
        return load_component_from_text(response.read().decode("utf-8"))


def _documents(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = list(yaml.load_all(text, Loader=loader))
    if len(documents) not in (1, 2):
        raise ValueError(
            f"Expected one or two YAML documents in the IR YAML file. Got: {len(documents)}."
        )
    if not isinstance(documents[0], dict):
        raise ValueError("The text is not a component: its YAML is not a mapping.")
    return documents[0], (documents[1] or {}) if len(documents) == 2 else {}
