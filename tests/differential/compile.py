"""Compiles both suites with one SDK: ``python -m tests.differential.compile SDK FOLDER``.

Writes a JSON file for each module: the IR of its pipelines and components, the files that it
writes, and the errors that reject its wrong definitions.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

from tests.differential.switch import modules, switch


def main(sdk: str, folder: Path) -> None:
    """Compile every module."""
    switch(sdk)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surface.json").write_text(json.dumps(_surface(sdk)))
    for name in modules():
        try:
            found = _compiled(importlib.import_module(name))
        except Exception:
            found = {"failed": traceback.format_exc()[-3000:]}
        (folder / f"{name}.json").write_text(json.dumps(found))


def _surface(sdk: str) -> dict[str, list[str]]:
    """The public names of the SDK, each with its arguments' names."""
    found: dict[str, list[str]] = {}
    for part in ("dsl", "kubernetes", "components", "compiler"):
        module = importlib.import_module(f"{sdk}.{part}")
        for name in module.__all__:
            value = getattr(module, name)
            found[f"{part}.{name}"] = _arguments(value)
    for kind in ("dsl.PipelineTask", "compiler.Compiler"):
        part, name = kind.split(".")
        owner = getattr(importlib.import_module(f"{sdk}.{part}"), name)
        for method, value in vars(owner).items():
            if not method.startswith("_"):
                found[f"{kind}.{method}"] = _arguments(value)
    return found


def _arguments(value: Any) -> list[str]:
    """The names of the arguments of a function or of a class."""
    if not callable(value):
        return []
    try:
        names = list(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return []
    return [name for name in names if name not in ("self", "args", "kwargs")]


def _compiled(module: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"compiled": {}, "written": {}, "rejected": {}}
    found |= {"beyond_kfp": {}, "generated": {}, "cases": {}}
    for name, value in vars(module).items():
        if hasattr(value, "component_spec") and hasattr(value, "required_inputs"):
            found["compiled"][name] = _dicts(value)
    for case in getattr(module, "CASES", ()):
        name = f"case:{case.pipeline.name}"
        found["compiled"][name] = _dicts(case.pipeline)
        found["cases"][name] = {"args": case.args, "options": case.options}
    for function in getattr(module, "WRITTEN", ()):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/{getattr(function, 'ending', 'written.yaml')}"
            function(path)
            found["written"][function.__name__] = Path(path).read_text()
    for function, text in getattr(module, "REJECTED", ()):
        found["rejected"][function.__name__] = {"text": text, **_rejection(function)}
    for kind in ("beyond_kfp", "generated"):
        for function in getattr(module, kind.upper(), ()):
            found[kind][function.__name__] = _tried(function)
    return found


def _tried(function: Any) -> dict[str, Any]:
    try:
        return _dicts(function())
    except Exception as error:
        return {"error": repr(error), "kind": type(error).__name__}


def _dicts(component: Any) -> dict[str, Any]:
    return {"ir": _plain(component.pipeline_spec), "platform": _plain(component.platform_spec)}


def _plain(message: Any) -> Any:
    if isinstance(message, dict):
        return message
    from google.protobuf import json_format

    return json_format.MessageToDict(message)


def _rejection(function: Any) -> dict[str, Any]:
    try:
        function()
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {"kinds": kinds, "message": str(error)}
    return {"kinds": [], "message": ""}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], Path(sys.argv[2]))
