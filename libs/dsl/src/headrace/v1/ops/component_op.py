"""Component files of version 1, whose calls in pipelines of version 1 create ops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headrace.authoring.components import YamlComponent
from headrace.graph.channels import PipelineChannel
from headrace.graph.interfaces import types
from headrace.graph.interfaces.specs import ComponentSpec, InputSpec
from headrace.graph.names import input_name
from headrace.graph.pipeline import current
from headrace.v1.argo_placeholders import translate
from headrace.v1.ops.command import Argument, CommandReader, OutputFile, constant_text
from headrace.v1.ops.draft import Draft
from headrace.v1.ops.op import BaseOp
from headrace.v1.ops.outputs import parameter_type, type_name

_TYPED_DEFAULTS = {"Integer": int, "Float": float, "List": list, "Dict": dict}
"""Types whose values have the same text in a command as in version 1; others become strings."""


class Version1Component(YamlComponent):
    """A component from a component file of version 1.

    In a pipeline of version 1, a call creates an op: arguments can be positional, and any value is
    accepted for any input. In other pipelines it behaves like such a component in KFP 2.
    """

    def __init__(self, spec: ComponentSpec, text: str, file_spec: Mapping[str, Any]) -> None:
        super().__init__(spec, text)
        self.file_spec = file_spec
        """The parsed component file."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        pipeline = current()
        if pipeline is not None and (pipeline.version1 is not None or self._is_of_version1_only()):
            return self._op(args, kwargs)
        return super().__call__(*args, **kwargs)

    def _is_of_version1_only(self) -> bool:
        """Whether the command uses the value of an input whose type is unknown to KFP 2, where such
        an input is an artifact."""
        container = self.file_spec["implementation"]["container"]
        texts = json.dumps([container.get("command"), container.get("args")])
        any_artifact = types.bundle("system.Artifact")
        return any(
            self.component_spec.inputs[input_name(each["name"])].type == any_artifact
            and str(type_name(each.get("type"))).lower() != "artifact"
            and f'{{"inputValue": {json.dumps(each["name"])}}}' in texts
            for each in self.file_spec.get("inputs") or ()
        )

    def _op(self, args: Any, kwargs: Mapping[str, Any]) -> BaseOp:
        given = self._arguments(args, kwargs)
        container = self.file_spec["implementation"]["container"]
        defaults = {name: spec for name, spec in self._defaults().items() if name not in given}
        present = {*given, *(name for name, spec in defaults.items() if spec.default is not None)}
        reader = CommandReader(lambda name: input_name(name) in present)
        command, arguments = (
            [_translated(argument) for argument in reader.arguments(container.get(key) or [])]
            for key in ("command", "args")
        )
        fixed_paths = {
            input_name(name): str(path)
            for name, path in (container.get("fileOutputs") or {}).items()
        }
        made = {
            part.name
            for argument in [*command, *arguments]
            for part in argument
            if isinstance(part, OutputFile)
        }
        outputs = {
            input_name(each["name"]): each.get("type")
            for each in self.file_spec.get("outputs") or ()
            if input_name(each["name"]) in made | {*fixed_paths}
        }
        op = BaseOp(
            Draft(
                name=self.file_spec.get("name") or "component",
                image=container["image"],
                command=command,
                args=arguments,
                env={
                    key: translate(constant_text(value))
                    for key, value in (container.get("env") or {}).items()
                },
                inputs=given,
                outputs=outputs,
                defaults=defaults,
                fixed_paths=fixed_paths,
                description=self.file_spec.get("description"),
            )
        )
        self._annotate(op)
        return op

    def _annotate(self, op: BaseOp) -> None:
        metadata = self.file_spec.get("metadata") or {}
        annotations: dict[str, Any] = metadata.get("annotations") or {}
        if str(annotations.get("volatile_component", "")).lower() == "true":
            op.set_caching_options(False)

    def _arguments(self, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = [input_name(each["name"]) for each in self._declared()]
        if len(args) > len(names):
            raise TypeError(f"{self.name}() takes {len(names)} arguments but got {len(args)}.")
        given = dict(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key not in names:
                raise TypeError(f'{self.name}() got an unexpected keyword argument "{key}".')
            if key in given:
                raise TypeError(f'{self.name}() got two values for the argument "{key}".')
            given[key] = value
        missing = [
            name
            for name, spec in self._inputs().items()
            if not spec.optional and given.get(name) is None
        ]
        if missing:
            raise TypeError(
                f"{self.name}() missing {len(missing)} required "
                f"argument{'s' * (len(missing) > 1)}: {', '.join(missing)}."
            )
        return {name: _constant(value) for name, value in given.items() if value is not None}

    def _declared(self) -> list[Mapping[str, Any]]:
        """The inputs in the file, required inputs first."""
        inputs: list[Mapping[str, Any]] = list(self.file_spec.get("inputs") or ())
        return sorted(inputs, key=_is_optional)

    def _inputs(self) -> dict[str, InputSpec]:
        return {input_name(each["name"]): _input(each) for each in self._declared()}

    def _defaults(self) -> dict[str, InputSpec]:
        return {name: spec for name, spec in self._inputs().items() if spec.default is not None}


def _is_optional(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("optional")) or entry.get("default") is not None


def _input(entry: Mapping[str, Any]) -> InputSpec:
    default = entry.get("default")
    kind = parameter_type(entry.get("type")) or "String"
    if default is not None:
        if kind in ("List", "Dict") and isinstance(default, str):
            try:
                default = json.loads(default)
            except ValueError:
                kind = "String"
        if kind in _TYPED_DEFAULTS:
            default = _TYPED_DEFAULTS[kind](default)
        else:
            kind, default = "String", constant_text(default)
    return InputSpec(
        kind if kind in _TYPED_DEFAULTS else "String",
        default=default,
        optional=_is_optional(entry),
        description=entry.get("description"),
    )


def _constant(value: Any) -> Any:
    """Convert an argument; a bool becomes a string, as in version 1."""
    if isinstance(value, PipelineChannel):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (str, int, float, list, dict)):
        return translate(value) if isinstance(value, str) else value
    return str(value)


def _translated(argument: Argument) -> Argument:
    return tuple(translate(part) if isinstance(part, str) else part for part in argument)
