"""Loads components: IR with one component or a pipeline, and version 1 component files."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from headrace.authoring.components import YamlComponent
from headrace.loading.from_component_file import component_of_version1
from headrace.loading.from_ir import component_of

_TIMEOUT_SECONDS = 60


def load_component_from_text(text: str) -> YamlComponent:
    """Load a component from YAML: IR, with its platform spec as a second document, or the
    specification of a version 1 component.

    Raises:
        ValueError: it is neither, or not complete.
        TypeError: an input or output is of a type that there is not.
    """
    spec, platform = _documents(text)
    if "implementation" in spec:
        from headrace.v1.ops.component_op import Version1Component

        return Version1Component(component_of_version1(spec), text, spec)
    component, ir = component_of(spec, platform, text)
    return YamlComponent(component, text, ir)


def load_component_from_file(file_path: str) -> YamlComponent:
    """Load a component from a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no component.
    """
    return load_component_from_text(Path(file_path).read_text(encoding="utf-8"))


def load_component_from_url(url: str, auth: tuple[str, str] | None = None) -> YamlComponent:
    """Load a component from an http, https or gs address.

    Args:
        url: The address; of gs, a public object.
        auth: A name and a password.

    Raises:
        ValueError: it is no such address, or no component is there.
        OSError: it cannot be reached, or answers with an error.
    """
    if not isinstance(url, str):
        raise ValueError("url must be a string.")
    if url.startswith("gs://"):
        url = "https://storage.googleapis.com/" + url[len("gs://") :]
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"A component is loaded from an http, https or gs address. Got: {url!r}")
    request = Request(url)  # noqa: S310 the scheme was checked
    if auth is not None:
        word = base64.b64encode(":".join(auth).encode()).decode("ascii")
        request.add_header("Authorization", f"Basic {word}")
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        return load_component_from_text(answer.read().decode("utf-8"))


def _documents(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = list(yaml.load_all(text, Loader=loader))
    if len(documents) not in (1, 2):
        raise ValueError(
            f"Expected one or two YAML documents in the IR YAML file. Got: {len(documents)}."
        )
    if not isinstance(documents[0], dict):
        raise ValueError("The text is no component: it is not a mapping in YAML.")
    return documents[0], (documents[1] or {}) if len(documents) == 2 else {}
