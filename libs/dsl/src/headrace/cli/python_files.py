"""Python files with pipelines: loaded, and compiled by the SDK that they were written with."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from headrace.cli.options import Failed


def compile_file(path: Path, function: str | None = None) -> str:
    """The package of a pipeline in a Python file, which is run for that.

    Raises:
        Failed: the file cannot be run, has no pipeline, or several and none was named; or the
            pipeline does not compile.
    """
    from headrace.client.errors import ClientError
    from headrace.client.packages import compiled

    found = _pipeline(path, function)
    try:
        return compiled(found).decode()
    except ClientError as error:
        raise Failed(error.code, error.message) from None
    except Exception as error:
        raise Failed("INVALID_SPEC", f"{path} does not compile: {error}") from error


def _pipeline(path: Path, function: str | None) -> Any:
    members = vars(_loaded(path))
    if function is not None:
        if function not in members:
            raise Failed("NOT_FOUND", f"{path} has no {function!r}")
        return members[function]
    found = {name: value for name, value in members.items() if _is_pipeline(value)}
    distinct = {id(value): name for name, value in found.items()}
    if len(distinct) != 1:
        known = ", ".join(sorted(distinct.values()))
        words = (
            f"has several pipelines: {known}; name one by --function"
            if known
            else ("has no function with @dsl.pipeline")
        )
        raise Failed("INVALID_PARAMETER", f"{path} {words}")
    return next(iter(found.values()))


def _is_pipeline(value: Any) -> bool:
    """Whether it is a pipeline of headrace or kfp; neither is imported for the question."""
    kind = type(value)
    return kind.__name__ == "GraphComponent" and kind.__module__.startswith(("headrace.", "kfp."))


def _loaded(path: Path) -> Any:
    if not path.is_file():
        raise Failed("NOT_FOUND", f"{path} cannot be read: there is no such file")
    spec = importlib.util.spec_from_file_location(f"headrace_compiled_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Failed("MALFORMED", f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)  # as Python does for a script
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        at = [entry for entry in traceback.extract_tb(error.__traceback__)]
        line = next((one.lineno for one in reversed(at) if one.filename == str(path)), None)
        where = str(path) if line is None else f"{path}, line {line}"
        raise Failed("INVALID_SPEC", f"{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
        sys.modules.pop(spec.name, None)
    return module
