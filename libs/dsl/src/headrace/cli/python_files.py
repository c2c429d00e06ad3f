"""Compiles pipelines in Python files, with the SDK that the file was written with."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from headrace.cli.errors import CommandFailed


def compile_file(path: Path, function: str | None = None) -> str:
    """Execute a Python file and compile its pipeline. Returns the package's text.

    Raises:
        CommandFailed: the file fails, has no pipeline or has several without `function` naming
            one, or the pipeline does not compile.
    """
    from headrace.client.errors import ClientError
    from headrace.client.packages import compiled

    found = _pipeline(path, function)
    try:
        return compiled(found).decode()
    except ClientError as error:
        raise CommandFailed(error.code, error.message) from None
    except Exception as error:
        raise CommandFailed("INVALID_SPEC", f"cannot compile {path}: {error}") from error


def _pipeline(path: Path, function: str | None) -> Any:
    members = vars(_load(path))
    if function is not None:
        if function not in members:
            raise CommandFailed("NOT_FOUND", f"{path} does not define {function!r}")
        return members[function]
    found = {name: value for name, value in members.items() if _is_pipeline(value)}
    distinct = {id(value): name for name, value in found.items()}
    if len(distinct) != 1:
        known = ", ".join(sorted(distinct.values()))
        reason = (
            f"has several pipelines: {known}; select one with --function"
            if known
            else "has no function decorated with @dsl.pipeline"
        )
        raise CommandFailed("INVALID_PARAMETER", f"{path} {reason}")
    return next(iter(found.values()))


def _is_pipeline(value: Any) -> bool:
    """Whether it is a pipeline of headrace or kfp, without importing either."""
    kind = type(value)
    return kind.__name__ == "GraphComponent" and kind.__module__.startswith(("headrace.", "kfp."))


def _load(path: Path) -> Any:
    if not path.is_file():
        raise CommandFailed("NOT_FOUND", f"cannot read {path}: no such file")
    spec = importlib.util.spec_from_file_location(f"headrace_compiled_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CommandFailed("MALFORMED", f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)  # as Python does for a script
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((one.lineno for one in reversed(frames) if one.filename == str(path)), None)
        where = str(path) if line is None else f"{path}, line {line}"
        raise CommandFailed("INVALID_SPEC", f"{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
        sys.modules.pop(spec.name, None)
    return module
