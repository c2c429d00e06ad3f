"""Extracts the source of a Python component's function, which is written into its command."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from headrace.authoring import bootstrap
from headrace.graph.interfaces import types
from headrace.step.types import InputAnnotation, OutputAnnotation, marker


def component_source(
    function: Callable[..., Any],
    additional: Sequence[Callable[..., Any]] | None = None,
    helper: str = "",
) -> str:
    """The source of a component's module: the function, preceded by what it uses.

    Raises:
        TypeError: An artifact class from another package is imported under another name.
    """
    return bootstrap.source(
        function_source(function),
        additional=[function_source(each) for each in additional or ()],
        imports=_artifact_imports(function),
        helper=helper,
    )


def function_source(function: Callable[..., Any]) -> str:
    """The source of a function without decorators.

    Raises:
        ValueError: The source contains no line that starts with ``def``.
    """
    lines = textwrap.dedent(inspect.getsource(function)).split("\n")
    for number, line in enumerate(lines):
        if line.startswith("def"):
            return "\n".join(lines[number:])
    raise ValueError(
        f'Failed to find the source of function "{function.__name__}": no line starts with `def`. '
        "It is probably not properly indented, or not a plain function."
    )


def _artifact_imports(function: Callable[..., Any]) -> list[str]:
    """Import statements for artifact classes in a function's annotations that are not the SDK's."""
    known = set(types.ARTIFACT_CLASSES.values())
    foreign: dict[str, Any] = {}
    signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        annotation = parameter.annotation
        if marker(annotation) in (InputAnnotation, OutputAnnotation):
            annotation = annotation.__args__[0]
            if types.is_artifact_list(annotation):
                annotation = annotation.__args__[0]
            if types.is_artifact_class(annotation) and annotation not in known:
                foreign[name] = annotation
        elif types.is_artifact_subclass(annotation) and annotation not in known:
            foreign[name] = annotation
    returned = signature.return_annotation
    fields = returned.__annotations__ if hasattr(returned, "_fields") else {"": returned}
    for name, annotation in fields.items():
        if types.is_artifact_class(annotation) and annotation not in known:
            foreign[f"return-{name}"] = annotation
    if not foreign:
        return []
    definition = ast.parse(function_source(function)).body[0]
    found: list[str] = []
    for name, artifact in foreign.items():
        symbol = _symbol(_annotation_node(definition, name))
        line = _import_of(symbol, f"{artifact.__module__}.{artifact.__qualname__}")
        if line not in found:
            found.append(line)
    return found


def _annotation_node(definition: Any, name: str) -> Any:
    if not name.startswith("return-"):
        arguments = [*definition.args.posonlyargs, *definition.args.args]
        arguments += definition.args.kwonlyargs
        annotation = next(each.annotation for each in arguments if each.arg == name)
        return annotation.slice if isinstance(annotation, ast.Subscript) else annotation
    returns = definition.returns
    if isinstance(returns, ast.Call) and len(returns.args) == 2:
        for element in getattr(returns.args[1], "elts", ()):
            if f"return-{element.elts[0].value}" == name:
                return element.elts[1]
    if name == "return-" and isinstance(returns, (ast.Name, ast.Attribute)):
        return returns
    raise TypeError(
        f"The artifact class of {name.replace('return-', 'the return ')!r} cannot be imported in a "
        "step. Write the whole annotation in the function's signature."
    )


def _symbol(node: Any) -> str:
    """The first name of ``a.b.C`` or ``List[a.b.C]``."""
    if isinstance(node, ast.Subscript):
        node = node.slice
    while not isinstance(node, ast.Name):
        node = node.value
    return node.id


def _import_of(symbol: str, path: str) -> str:
    parts = path.split(".")
    if symbol not in parts:
        raise TypeError(
            "Module or type name aliases are not supported in the annotations of a component: "
            f"{path!r} is called {symbol!r}. Use the name under which it is defined."
        )
    *modules, name = parts[: parts.index(symbol) + 1]
    return f"from {'.'.join(modules)} import {name}" if modules else f"import {name}"
