"""The type annotations of component functions, and how to read them.

Source of what each annotation means: `kfp.dsl.types.type_annotations` of KFP 2.17.
"""

from __future__ import annotations

import sys

from headrace.step.artifacts import ARTIFACT_CLASSES, DEFAULT_SCHEMA_VERSION, Artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InputAnnotation:
    """Marks an input artifact."""


class OutputAnnotation:
    """Marks an output artifact."""


class EmbeddedAnnotation:
    """Marks the file or folder that is embedded in the component; it is not an input."""


class LightAnnotated:
    """A stand-in for `typing.Annotated` in steps: importing typing takes longer than Python's own
    start."""

    def __init__(self, mark: type, item: Any = None) -> None:
        self.__metadata__ = (mark,)
        self.__origin__ = item
        self.__args__ = (item,)

    def __getitem__(self, item: Any) -> LightAnnotated:
        return LightAnnotated(self.__metadata__[0], item)

    def __call__(self) -> None:
        """Never called; Python 3.9 and 3.10 accept only callables in ``Optional[...]``."""

    def __or__(self, other: Any) -> Any:
        from typing import Union

        return Union[self, other]

    def __repr__(self) -> str:
        return f"{self.__metadata__[0].__name__}[{self.__origin__!r}]"


if TYPE_CHECKING or "typing" in sys.modules:
    from typing import Annotated, TypeVar

    T = TypeVar("T")
    Input = Annotated[T, InputAnnotation]
    """An input artifact, as in ``Input[Dataset]`` or ``Input[List[Dataset]]``."""
    Output = Annotated[T, OutputAnnotation]
    """An output artifact, as in ``Output[Dataset]``: the function gets it with its path set."""
    EmbeddedInput = Annotated[T, EmbeddedAnnotation]
    """The file or folder that was given as `embedded_artifact_path`."""
else:
    Input = LightAnnotated(InputAnnotation)
    Output = LightAnnotated(OutputAnnotation)
    EmbeddedInput = LightAnnotated(EmbeddedAnnotation)

SINGLE_OUTPUT = "Output"
"""The name of the output of a function that returns one value."""

PARAMETER_TYPES: dict[str, str] = {
    "integer": "NUMBER_INTEGER",
    "int": "NUMBER_INTEGER",
    "double": "NUMBER_DOUBLE",
    "float": "NUMBER_DOUBLE",
    "string": "STRING",
    "str": "STRING",
    "text": "STRING",
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "dict": "STRUCT",
    "list": "LIST",
    "jsonobject": "STRUCT",
    "jsonarray": "LIST",
}
"""The IR's parameter types by lower-case annotation name."""


class _PathAnnotation:
    """The path of an input or output of a given type."""

    def __init__(self, type: Any = None) -> None:
        """`type` is a parameter type, an artifact class, or the name of either."""
        self.type: Any = _path_type(type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.__class__) and self.type == other.type

    def __hash__(self) -> int:
        return hash((self.__class__, str(self.type)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.type!r})"


class InputPath(_PathAnnotation):
    """The local path of an input artifact, as in ``InputPath('Dataset')``.

    `type` is the artifact's type as ``system.Dataset@0.0.1``, or a parameter type.
    """


class OutputPath(_PathAnnotation):
    """The path of a file to write an output to, as in ``OutputPath(str)``.

    `type` is the parameter type, or the artifact's type as ``system.Dataset@0.0.1``.
    """


class _DataclassFields:
    """The attribute that `dataclasses` reads of a class, built on demand: importing `dataclasses`
    would delay every step."""

    def __get__(self, instance: object, owner: type[_Record]) -> dict[str, Any]:
        import dataclasses

        made = dataclasses.make_dataclass(owner.__name__, owner._fields)
        fields: dict[str, Any] = vars(made)["__dataclass_fields__"]
        return fields


class _Record:
    """Behaves like a dataclass whose fields are the constructor's arguments."""

    _fields: tuple[str, ...] = ()
    __dataclass_fields__ = _DataclassFields()

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"


class PipelineTaskFinalStatus(_Record):
    """The outcome of the tasks in an exit handler, passed to a parameter of the exit task that has
    this annotation.

    Args:
        state: ``COMPLETE``, ``FAILED`` or ``CANCELED``.
        pipeline_job_resource_name: The run's resource name.
        pipeline_task_name: The task that ended, such as ``exit-handler-1``.
        error_code: The `google.rpc.Code` of a failure, else None.
        error_message: The message of a failure, else None.
    """

    _fields = (
        "state",
        "pipeline_job_resource_name",
        "pipeline_task_name",
        "error_code",
        "error_message",
    )

    def __init__(
        self,
        state: str,
        pipeline_job_resource_name: str,
        pipeline_task_name: str,
        error_code: int | None,
        error_message: str | None,
    ) -> None:
        self.state = state
        self.pipeline_job_resource_name = pipeline_job_resource_name
        self.pipeline_task_name = pipeline_task_name
        self.error_code = error_code
        self.error_message = error_message


class TaskConfig(_Record):
    """Task settings that are passed to the function instead of being applied to its pod, as parts
    of a Kubernetes pod spec in JSON. A field is None when it is not passed."""

    _fields = (
        "affinity",
        "tolerations",
        "node_selector",
        "env",
        "volumes",
        "volume_mounts",
        "resources",
    )

    def __init__(
        self,
        affinity: dict[str, Any] | None = None,
        tolerations: list[dict[str, Any]] | None = None,
        node_selector: dict[str, str] | None = None,
        env: list[dict[str, Any]] | None = None,
        volumes: list[dict[str, Any]] | None = None,
        volume_mounts: list[dict[str, Any]] | None = None,
        resources: dict[str, Any] | None = None,
    ) -> None:
        self.affinity = affinity
        self.tolerations = tolerations
        self.node_selector = node_selector
        self.env = env
        self.volumes = volumes
        self.volume_mounts = volume_mounts
        self.resources = resources


def marker(annotation: Any) -> type | None:
    """The class that marks an annotation as input, output or embedded; None without a mark."""
    metadata = getattr(annotation, "__metadata__", None)
    if metadata and metadata[0] in (InputAnnotation, OutputAnnotation, EmbeddedAnnotation):
        found: type = metadata[0]
        return found
    return None


def unmarked(annotation: Any) -> Any:
    """`T` of `Input[T]`, `Output[T]` or `EmbeddedInput[T]`; other annotations unchanged."""
    return annotation.__origin__ if marker(annotation) is not None else annotation


def without_optional(annotation: Any) -> Any:
    """`T` of ``Optional[T]`` and of ``T | None``; other annotations unchanged."""
    arguments: tuple[Any, ...] = getattr(annotation, "__args__", ())
    is_union = (
        type(annotation).__name__ in ("UnionType", "Union")  # Python 3.10, Python 3.14
        or repr(getattr(annotation, "__origin__", None)) == "typing.Union"
    )
    if is_union and len(arguments) == 2 and type(None) in arguments:
        return arguments[0] if arguments[1] is type(None) else arguments[1]
    return annotation


def is_artifact_class(annotation: Any) -> bool:
    """Whether this is an artifact class: one of the SDK's, or any class with a schema title."""
    return (
        isinstance(annotation, type)
        and hasattr(annotation, "schema_title")
        and hasattr(annotation, "schema_version")
    )


def artifact_list_item(annotation: Any) -> Any:
    """The artifact class of ``List[Dataset]``; None when this is not a list of artifacts."""
    arguments = getattr(annotation, "__args__", None)
    if getattr(annotation, "__origin__", None) is not list or not arguments:
        return None
    return arguments[0] if is_artifact_class(arguments[0]) else None


def short_type_name(annotation: Any) -> str:
    """The name of a type without module and arguments: ``List`` for ``typing.List[int]``."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    name = str(annotation)
    if name.startswith("typing."):
        name = name[len("typing.") :]
    head = name.partition("[")[0]
    return head if head.isidentifier() else name


def parameter_type(annotation: Any) -> str | None:
    """The IR's parameter type, such as ``NUMBER_INTEGER``; None when this is not a parameter."""
    name = short_type_name(annotation)
    if name in ("PipelineTaskFinalStatus", "TaskConfig"):
        return "STRUCT"
    return PARAMETER_TYPES.get(name.lower())


def bundled_type(artifact_class: Any) -> str:
    """The schema title and version of an artifact class, such as ``system.Dataset@0.0.1``."""
    return f"{artifact_class.schema_title}@{artifact_class.schema_version}"


_CLASSES_BY_NAME: dict[str, Any] = {
    known.__name__.lower(): known for known in ARTIFACT_CLASSES.values()
}


def _path_type(given: Any) -> Any:
    if is_artifact_class(given):
        return bundled_type(given)
    if isinstance(given, str) and given.lower() in _CLASSES_BY_NAME:
        known = _CLASSES_BY_NAME[given.lower()]
        return f"{known.schema_title}@{DEFAULT_SCHEMA_VERSION}"
    if given is not None and parameter_type(given) is not None:
        return given
    return bundled_type(Artifact)
