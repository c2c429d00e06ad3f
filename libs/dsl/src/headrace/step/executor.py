"""Calls a component's function with the values of an ExecutorInput and writes an ExecutorOutput.

Source of the semantics: `kfp.dsl.executor` of KFP 2.17; of the two messages: KFP's
pipeline_spec.proto.
"""

from __future__ import annotations

import os

from headrace.step import artifacts, jsontext, types
from headrace.step.artifacts import Artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CHIEFS = ("workerpool0", "chief", "master")
_MISSING = object()
_RETURN_TYPES = (
    "Must be one of `str`, `int`, `float`, `bool`, `dict`, `list`, a subclass of `Artifact`, or a "
    "NamedTuple collection of these types."
)


class Executor:
    """One execution of one component's function."""

    def __init__(self, executor_input: dict[str, Any], function_to_execute: Any) -> None:
        """`function_to_execute` is a function, or the component that was made from one.

        Raises:
            ValueError: The executor input has no `outputs.outputFile`.
        """
        self.func: Callable[..., Any] = getattr(
            function_to_execute, "python_func", function_to_execute
        )
        self._inputs: dict[str, Any] = executor_input.get("inputs") or {}
        self._outputs: dict[str, Any] = executor_input.get("outputs") or {}
        if not self._outputs.get("outputFile"):
            raise ValueError(
                "The executor input has no outputs.outputFile, the file to write results to."
            )
        self.executor_output_path: str = self._outputs["outputFile"]
        artifacts.CONTAINER_TASK_ROOT = os.path.dirname(self.executor_output_path)
        self._annotations = _annotations(self.func)
        self._input_artifacts = {
            name: self._input_artifact(name, listed.get("artifacts") or [])
            for name, listed in (self._inputs.get("artifacts") or {}).items()
        }
        self._output_artifacts: dict[str, Any] = {}
        for name, listed in (self._outputs.get("artifacts") or {}).items():
            if listed.get("artifacts"):
                made = _artifact(listed["artifacts"][0], self._artifact_class(name))
                self._output_artifacts[name] = made
                _make_parent(made.path)
        self._parameter_values: dict[str, Any] = {}

    def execute(self) -> str | None:
        """Call the function and write the executor output.

        Returns:
            The path of the executor output; None in a worker of a distributed task, where only the
            chief writes.

        Raises:
            ValueError: An input or output of the function is missing in the executor input, or the
                returned value does not have the annotated type.
            RuntimeError: The returned value has no type annotation, or an unsupported one.
        """
        self._store_results(self.func(**self._arguments()))
        if not _is_chief():
            return None
        output: dict[str, Any] = {}
        if self._parameter_values:
            output["parameterValues"] = self._parameter_values
        if self._output_artifacts:
            output["artifacts"] = {
                name: {"artifacts": [_runtime_artifact(each) for each in _as_list(made)]}
                for name, made in self._output_artifacts.items()
            }
        text = jsontext.dumps(output)
        _make_parent(self.executor_output_path)
        with open(self.executor_output_path, "w") as file:
            file.write(text)
        return self.executor_output_path

    def _arguments(self) -> dict[str, Any]:
        found = {
            name: self._argument(name, types.without_optional(annotation))
            for name, annotation in self._annotations.items()
            if name != "return"
        }
        return {name: value for name, value in found.items() if value is not _MISSING}

    def _argument(self, name: str, annotation: Any) -> Any:
        """The argument for one of the function's parameters; `_MISSING` to use its default."""
        mark = types.marker(annotation)
        if mark is types.OutputAnnotation:
            return self._output_artifacts.get(name)
        if mark is types.EmbeddedAnnotation:
            return self._embedded(annotation)
        if mark is types.InputAnnotation or _holds_artifacts(annotation):
            return self._input_artifacts.get(name)
        if isinstance(annotation, types.OutputPath):
            return self._output_path(name, annotation)
        if isinstance(annotation, types.InputPath):
            return self._input_path(name)
        value = (self._inputs.get("parameterValues") or {}).get(name)
        if annotation is types.PipelineTaskFinalStatus:
            return _final_status(name, value)
        if annotation is types.TaskConfig:
            return _task_config(value or {})
        return _MISSING if value is None else value

    def _input_artifact(self, name: str, listed: list[dict[str, Any]]) -> Any:
        """An input's artifact, or a list of artifacts when the function's annotation is a list."""
        annotation = types.unmarked(types.without_optional(self._annotations.get(name)))
        item = types.artifact_list_item(annotation)
        if item is None and getattr(annotation, "__origin__", annotation) is list:
            raise TypeError(
                f"Input '{name}' expects a list of artifacts, but its annotation {annotation!r} "
                "does not name their class: write List[Artifact], or List of another class."
            )
        if item is not None:
            return [_artifact(one, item) for one in listed]
        return _artifact(listed[0], self._artifact_class(name)) if listed else None

    def _artifact_class(self, name: str) -> Any:
        """The artifact class in the function's annotation; `Artifact` when there is none."""
        annotation = types.unmarked(types.without_optional(self._annotations.get(name)))
        annotation = types.artifact_list_item(annotation) or annotation
        return annotation if types.is_artifact_class(annotation) else Artifact

    def _output_path(self, name: str, annotation: types.OutputPath) -> str | None:
        if types.parameter_type(annotation.type) is None:
            return str(self._required(self._output_artifacts, "output", name).path)
        path: str | None = (self._outputs.get("parameters") or {}).get(name, {}).get("outputFile")
        if path:
            _make_parent(path)
        return path

    def _input_path(self, name: str) -> Any:
        defaults = self.func.__defaults__ or ()
        code = self.func.__code__
        optional = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        if self._input_artifacts.get(name) is None and name in optional:
            return _MISSING
        return self._required(self._input_artifacts, "input", name).path

    def _required(self, known: dict[str, Any], kind: str, name: str) -> Any:
        if known.get(name) is None:
            raise ValueError(f"Failed to get {kind} artifact path for artifact name {name}")
        return known[name]

    def _embedded(self, annotation: Any) -> Any:
        found = self.func.__globals__
        path = found.get("__KFP_EMBEDDED_ASSET_FILE") or found.get("__KFP_EMBEDDED_ASSET_DIR")
        if not path:
            raise RuntimeError(
                "EmbeddedInput was specified but no embedded asset was found at runtime."
            )
        inner = types.unmarked(annotation)
        made = inner() if types.is_artifact_class(inner) else Artifact()
        made.path = path
        return made

    def _store_results(self, returned: Any) -> None:
        """Store what the function returned as its outputs."""
        if returned is None:
            return
        if self._annotations.get("return") is None:
            raise RuntimeError(
                f"Unknown return type: function `{self.func.__name__}` returned a value of type "
                f"{type(returned)}, but has no return annotation. {_RETURN_TYPES}"
            )
        annotation = types.without_optional(self._annotations["return"])
        if _is_named_tuple(annotation):
            fields = annotation._fields
            if not hasattr(returned, "__len__"):
                raise RuntimeError(
                    f"Expected {len(fields)} return values from function "
                    f"`{self.func.__name__}`, got one of type {type(returned)}"
                )
            if len(fields) != len(returned):
                raise RuntimeError(
                    f"Expected {len(fields)} return values from function "
                    f"`{self.func.__name__}`, got {len(returned)}"
                )
            for index, field in enumerate(fields):
                value = returned[index] if type(returned) is tuple else getattr(returned, field)
                self._store_result(field, annotation.__annotations__[field], value)
        else:
            self._store_result(types.SINGLE_OUTPUT, annotation, returned)

    def _store_result(self, name: str, annotation: Any, value: Any) -> None:
        if types.artifact_list_item(annotation) is not None:
            self._output_artifacts[name] = list(value)
        elif types.parameter_type(annotation) is not None:
            self._parameter_values[name] = self._checked(annotation, value)
        elif not types.is_artifact_class(annotation):
            raise RuntimeError(
                f"Unknown return type: {annotation} of function `{self.func.__name__}`. "
                f"{_RETURN_TYPES}"
            )
        elif types.is_artifact_class(type(value)):
            self._output_artifacts[name] = value
        else:  # the contents of the artifact's file
            with open(self._required(self._output_artifacts, "output", name).path, "w") as file:
                file.write(str(value))

    def _checked(self, annotation: Any, value: Any) -> Any:
        wanted = getattr(annotation, "__origin__", None) or annotation
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ValueError(
                f"Function `{self.func.__name__}` returned value of type {type(value)}; "
                f"want type {wanted}"
            )
        if not isinstance(value, (str, int, float, bool, dict, list)):
            raise ValueError(
                f"Unable to serialize unknown type `{type(value)}` of the value `{value}` that "
                f"function `{self.func.__name__}` returned"
            )
        return value


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """The function's annotations; those that are strings, as in a module with ``from __future__
    import annotations``, are evaluated."""
    given = function.__annotations__
    if not any(isinstance(annotation, str) for annotation in given.values()):
        return given
    names = {**vars(types), **function.__globals__}
    return {
        name: _evaluated(annotation, names) if isinstance(annotation, str) else annotation
        for name, annotation in given.items()
    }


def _evaluated(text: str, names: dict[str, Any]) -> Any:
    try:
        return eval(text, names)  # noqa: S307 - part of the function that is executed next anyway
    except Exception:
        return text


def _holds_artifacts(annotation: Any) -> bool:
    return types.is_artifact_class(annotation) or types.artifact_list_item(annotation) is not None


def _artifact(runtime_artifact: dict[str, Any], fallback: Any) -> Any:
    """An instance of the artifact's class by its schema title; of `fallback` for unknown titles."""
    title = (runtime_artifact.get("type") or {}).get("schemaTitle", "")
    return artifacts.ARTIFACT_CLASSES.get(title, fallback)(
        name=runtime_artifact.get("name", ""),
        uri=runtime_artifact.get("uri", ""),
        metadata=runtime_artifact.get("metadata") or {},
    )


def _as_list(made: Any) -> list[Any]:
    return made if type(made) is list else [made]


def _runtime_artifact(artifact: Any) -> dict[str, Any]:
    written = {"name": artifact.name, "uri": artifact.uri, "metadata": artifact.metadata}
    if getattr(artifact, "custom_path", ""):
        written["custom_path"] = artifact.custom_path
    return written


def _final_status(name: str, value: Any) -> types.PipelineTaskFinalStatus:
    if not isinstance(value, dict):
        raise ValueError(
            f"Input '{name}' is a PipelineTaskFinalStatus, which only the exit task of an exit "
            "handler or a task that ignores upstream failures can have."
        )
    error = value.get("error") or {}
    return types.PipelineTaskFinalStatus(
        state=value.get("state"),  # type: ignore[arg-type]
        pipeline_job_resource_name=value.get(  # type: ignore[arg-type]
            "pipelineJobResourceName", value.get("pipeline_job_resource_name")
        ),
        pipeline_task_name=value.get(  # type: ignore[arg-type]
            "pipelineTaskName", value.get("pipeline_task_name")
        ),
        error_code=error.get("code"),
        error_message=error.get("message"),
    )


def _task_config(value: dict[str, Any]) -> types.TaskConfig:
    return types.TaskConfig(
        affinity=value.get("affinity"),
        tolerations=value.get("tolerations"),
        node_selector=value.get("nodeSelector"),
        env=value.get("env"),
        volumes=value.get("volumes"),
        volume_mounts=value.get("volumeMounts"),
        resources=value.get("resources"),
    )


def _is_named_tuple(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and issubclass(annotation, tuple)
        and hasattr(annotation, "_fields")
        and hasattr(annotation, "__annotations__")
    )


def _is_chief() -> bool:
    """Whether this worker of a distributed task is the one that writes its output: object stores
    that are mounted as file systems accept each file only once."""
    cluster = os.environ.get("CLUSTER_SPEC")
    return not cluster or jsontext.loads(cluster)["task"]["type"] in _CHIEFS


def _make_parent(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
