"""Turns what callers submit (functions, packages, specs, pipelines) into request fields."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.client.errors import ClientError
from headrace.client.resources import Pipeline, PipelineVersion

Source = Any
"""A function with ``@dsl.pipeline`` or ``@dsl.component`` (of headrace or kfp), a path to a
compiled package, the package's text, its IR as a mapping, or a `Pipeline` or `PipelineVersion`."""

_BINARY = (b"PK\x03\x04", b"\x1f\x8b")


def fields_of(source: Source) -> dict[str, Any]:
    """The source of a run or recurring run as fields of a request.

    Raises:
        ClientError: it cannot be submitted, or its file cannot be read.
    """
    if isinstance(source, PipelineVersion):
        ids = ("pipeline_id", "pipeline_version_id")
        return {"pipeline": {name: source[name] for name in ids}}
    if isinstance(source, Pipeline):
        return {"pipeline": {"pipeline_id": source.pipeline_id}}
    if isinstance(source, Mapping):
        return {"pipeline_spec": dict(source)}
    content, name = package_of(source)
    if content.startswith(_BINARY):
        raise ClientError(
            "MALFORMED", f"{name} is an archive; upload it as a pipeline and submit the pipeline"
        )
    try:
        return {"package": content.decode()}
    except UnicodeDecodeError:
        raise ClientError("MALFORMED", f"{name} is not a text file") from None


def package_of(source: Source) -> tuple[bytes, str]:
    """The package's bytes, and a name for it or ''.

    Raises:
        ClientError: it is not a package, or its file cannot be read.
    """
    if isinstance(source, Mapping):
        import json

        return json.dumps(source).encode(), str((source.get("pipelineInfo") or {}).get("name", ""))
    if isinstance(source, str) and "\n" in source:
        return source.encode(), ""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            return path.read_bytes(), _stem(path)
        except OSError as error:
            raise ClientError("NOT_FOUND", f"cannot read {path}: {error.strerror}") from None
    if callable(source) or hasattr(source, "pipeline_spec"):
        return compiled(source), str(getattr(source, "name", "") or "")
    raise ClientError(
        "MALFORMED",
        f"cannot submit an object of type {type(source).__name__}; "
        "pass a pipeline, a path or an IR",
    )


def compiled(function: Any) -> bytes:
    """Compile a pipeline or component, with the SDK that it was written with.

    Raises:
        ClientError: it is not a pipeline or component, or the compiler is not installed.
    """
    kind = type(function).__module__.partition(".")[0]
    if kind == "headrace" or kind not in ("kfp", "function", "builtins"):
        compiler = _compiler()
    elif kind == "kfp":
        from importlib import import_module

        compiler = import_module("kfp.compiler")
    else:
        raise ClientError(
            "MALFORMED",
            f"{getattr(function, '__name__', function)!r} is a plain function; decorate it with "
            "@dsl.pipeline or @dsl.component",
        )
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(function, str(path))
        return path.read_bytes()


def _compiler() -> Any:
    from importlib import import_module

    try:
        return import_module("headrace.compiler")
    except ModuleNotFoundError as error:
        if error.name != "headrace.compiler":
            raise
        raise ClientError(
            "UNSUPPORTED_FEATURE",
            "this installation of headrace has no compiler; submit a compiled pipeline instead",
        ) from None


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".yaml", ".yml", ".json", ".zip", ".tar.gz", ".tgz"):
        name = name.removesuffix(suffix)
    return name
