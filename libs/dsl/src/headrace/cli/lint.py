"""Lint rules for compiled pipelines.

Pure: from a spec to findings. An error is rejected at submission or fails for certain; a warning is
allowed but rarely intended.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Spec = Mapping[str, Any]
_PYTHON = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float),
           "BOOLEAN": bool, "LIST": list, "STRUCT": dict}  # fmt: skip
_NUMBERS = ("NUMBER_INTEGER", "NUMBER_DOUBLE")
_CHANNEL = "pipelinechannel--"
_ANY = ("system.Artifact", None)
_NAME = re.compile(r"[A-Za-z0-9._-]+(\[[^]]*\])?")
_SEPARATORS = frozenset("&|;()<>")
_OPTIONS_WITH_VALUE = ("-r", "-c", "-i", "-f", "-e", "--index-url", "--extra-index-url",
                       "--find-links", "--trusted-host", "--requirement", "--constraint",
                       "--editable")  # fmt: skip
_SDKS = re.compile(r"^(kfp|headrace|typing-extensions)\b")
"""Packages that the SDKs themselves install in steps."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the rule, the place in the spec, and what is wrong."""

    severity: Literal["error", "warning"]
    rule: str
    place: str
    message: str


def check(spec: Spec) -> list[Finding]:
    """All findings in a pipeline, errors first."""
    if not isinstance(spec.get("root"), Mapping) or "pipelineInfo" not in spec:
        message = "not a compiled pipeline: pipelineInfo or root is missing"
        return [Finding("error", "not-a-pipeline", "", message)]
    components = _map(spec, "components")
    executors = _map(_map(spec, "deploymentSpec"), "executors")
    found = [*_component("root", spec["root"], components, executors)]
    used = {"root"}
    for name, component in components.items():
        found += _component(f"components.{name}", component, components, executors)
    used |= _reached(spec["root"], components)
    for name in components.keys() - used:
        found.append(_warning("unreachable", f"components.{name}", "no task uses this component"))
    labels = {component.get("executorLabel") for component in components.values()}
    for label, executor in executors.items():
        place = f"deploymentSpec.executors.{label}"
        if label not in labels:
            found.append(_warning("unreachable", place, "no component uses this executor"))
        found += _pins(place, executor)
    return sorted(found, key=lambda one: (one.severity != "error", one.place, one.rule))


def check_parameters(spec: Spec, given: Mapping[str, Any]) -> list[Finding]:
    """All findings in the parameters of a run."""
    declared = _parameters(_map(spec, "root"))
    found = []
    for name in given.keys() - declared.keys():
        known = ", ".join(sorted(declared)) or "none"
        message = f"the pipeline has no parameter {name!r}; it has: {known}"
        found.append(_error("unknown-input", f"parameters.{name}", message))
    for name, definition in declared.items():
        place, kind = f"parameters.{name}", definition.get("parameterType")
        if name in given:
            if not _fits(given[name], kind):
                message = f"{given[name]!r} is not of type {kind}"
                found.append(_error("type-mismatch", place, message))
        elif "defaultValue" not in definition and not definition.get("isOptional"):
            found.append(
                _error("missing-input", place, "required: it has no default and no value was given")
            )
    return sorted(found, key=lambda one: one.place)


def _component(place: str, component: Spec, components: Spec, executors: Spec) -> Iterator[Finding]:
    if "dag" in component:
        yield from _dag(place, component, components, executors)
    elif component.get("executorLabel") not in executors:
        message = f"executor {component.get('executorLabel')!r} does not exist"
        yield _error("unknown-executor", place, message)
    for parameter, definition in _parameters(component).items():
        value, kind = definition.get("defaultValue"), definition.get("parameterType")
        if value is not None and not _fits(value, kind):
            message = f"the default {value!r} is not of type {kind}"
            yield _error("type-mismatch", f"{place}.{parameter}", message)


@dataclass(frozen=True, slots=True)
class _Scope:
    """A DAG component, and how names in it resolve."""

    parent: Spec
    components: Spec
    executors: Spec

    @property
    def tasks(self) -> Spec:
        return _map(_map(self.parent, "dag"), "tasks")

    def component(self, task: Spec) -> Spec | None:
        found = self.components.get(_map(task, "componentRef").get("name", ""))
        return found if isinstance(found, Mapping) else None

    def outputs(self, task: Spec, kind: str) -> Spec:
        return _map(_map(self.component(task) or {}, "outputDefinitions"), kind)

    def inputs(self, kind: str) -> Spec:
        return _inputs_of(self.parent, kind)

    def writes(self, component: Spec, name: str) -> bool:
        """Whether a component's executor refers to an input in a placeholder."""
        executor = self.executors.get(component.get("executorLabel", ""))
        return f"'{name}'" in json.dumps(executor)


def _dag(place: str, component: Spec, components: Spec, executors: Spec) -> Iterator[Finding]:
    scope = _Scope(component, components, executors)
    for name, task in scope.tasks.items():
        where = f"{place}.{name}"
        for needed in task.get("dependentTasks") or ():
            if needed not in scope.tasks:
                yield _error("unreachable", where, f"depends on {needed!r}, which does not exist")
        if scope.component(task) is None:
            yield _error("unknown-component", where, "the component of this task does not exist")
            continue
        yield from _inputs(where, task, scope)
        yield from _condition(where, task)
    for name in sorted(_stuck(scope.tasks)):
        message = "never starts: its dependencies form a cycle"
        yield _error("unreachable", f"{place}.{name}", message)
    yield from _outputs(place, scope)


def _inputs(where: str, task: Spec, scope: _Scope) -> Iterator[Finding]:
    iterated = _iterated(task)
    component = scope.component(task) or {}
    for kind in ("parameters", "artifacts"):
        declared = _inputs_of(component, kind)
        passed = _map(_map(task, "inputs"), kind)
        for name, source in passed.items():
            place = f"{where}.inputs.{name}"
            if name in declared:
                yield from _source(place, (kind, source, declared[name]), task, scope)
            elif not (
                # Used inside values of other inputs, or by the executor.
                name in iterated or name.startswith(_CHANNEL) or scope.writes(component, name)
            ):
                options = ", ".join(sorted(declared)) or "none"
                message = f"the component has no input {name!r}; it has: {options}"
                yield _warning("unknown-input", place, message)
        for name, definition in declared.items():
            optional = definition.get("isOptional") or "defaultValue" in definition
            if name not in passed and name not in iterated and not optional:
                yield _error(
                    "missing-input", f"{where}.inputs.{name}", "required: no value is passed to it"
                )


def _source(
    place: str, passed: tuple[str, Spec, Spec], task: Spec, scope: _Scope
) -> Iterator[Finding]:
    """Check that the source of a task's input exists and has the right type. `passed` is parameters
    or artifacts, the source, and the definition of the input."""
    kind, source, wanted = passed
    outer = source.get("componentInputParameter") or source.get("componentInputArtifact")
    inner = source.get("taskOutputParameter") or source.get("taskOutputArtifact")
    made: Spec | None = None
    if "runtimeValue" in source:
        value = _map(source, "runtimeValue").get("constant")
        text = isinstance(value, str) and "{{" in value
        if value is not None and not text and not _fits(value, wanted.get("parameterType")):
            message = f"{value!r} is not of type {wanted.get('parameterType')}"
            yield _error("type-mismatch", place, message)
    elif outer is not None and outer not in _iterated(task):
        made = scope.inputs(kind).get(outer)
        if made is None:
            yield _error("unknown-input", place, f"the pipeline has no input {outer!r}")
    elif inner is not None:
        producer = scope.tasks.get(str(inner.get("producerTask")))
        key = inner.get("outputParameterKey") or inner.get("outputArtifactKey")
        made = None if producer is None else scope.outputs(producer, kind).get(key)
        if producer is None or made is None:
            yield _error("unknown-input", place, _missing(inner.get("producerTask"), producer, key))
        elif _loops(producer):
            return  # collected from the iterations: a list of the declared type
    if made is not None and not source.get("parameterExpressionSelector"):
        yield from _types(place, made, wanted)


def _missing(name: Any, task: Spec | None, key: Any) -> str:
    if task is None:
        return f"there is no task {name!r} in this DAG"
    return f"task {name!r} has no output {key!r}"


def _types(place: str, made: Spec, wanted: Spec) -> Iterator[Finding]:
    have, want = made.get("parameterType"), wanted.get("parameterType")
    if have != want and have and want and not (have in _NUMBERS and want in _NUMBERS):
        yield _error(
            "type-mismatch", place, f"a value of type {have} is passed to an input of type {want}"
        )
    title = _map(made, "artifactType").get("schemaTitle")
    other = _map(wanted, "artifactType").get("schemaTitle")
    if title != other and title not in _ANY and other not in _ANY:
        yield _error(
            "type-mismatch",
            place,
            f"an artifact of type {title} is passed to an input of type {other}",
        )
    if bool(made.get("isArtifactList")) != bool(wanted.get("isArtifactList")):
        message = "a single artifact is passed to a list of artifacts, or the other way round"
        yield _error("type-mismatch", place, message)


def _condition(where: str, task: Spec) -> Iterator[Finding]:
    text = str(_map(task, "triggerPolicy").get("condition", "")).strip().lower()
    if text in ("false", "!(true)"):
        yield _warning("unreachable", where, "its condition is always false")


def _outputs(place: str, scope: _Scope) -> Iterator[Finding]:
    outputs = _map(_map(scope.parent, "dag"), "outputs")
    for kind in ("parameters", "artifacts"):
        for name, source in _map(outputs, kind).items():
            for one in _selectors(source):
                producer = scope.tasks.get(str(one.get("producerSubtask")))
                key = one.get("outputParameterKey") or one.get("outputArtifactKey")
                if producer is None or key not in scope.outputs(producer, kind):
                    message = _missing(one.get("producerSubtask"), producer, key)
                    yield _error("unknown-input", f"{place}.outputs.{name}", message)


def _selectors(source: Spec) -> list[Spec]:
    if "valueFromParameter" in source:
        return [source["valueFromParameter"]]
    several = _map(source, "valueFromOneof").get("parameterSelectors")
    return list(several or source.get("artifactSelectors") or ())


def _pins(place: str, executor: Spec) -> Iterator[Finding]:
    container = _map(executor, "container")
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    if image and "{{" not in image and "@" not in image and tag in ("", "latest"):
        message = f"image {image!r} has no fixed version; add a version tag or a digest"
        yield _warning("not-pinned", place, message)
    commands = [*(container.get("command") or ()), *(container.get("args") or ())]
    for package in dict.fromkeys(
        package for word in commands[:4] if isinstance(word, str) for package in _packages(word)
    ):
        message = f"package {package!r} has no fixed version; write {package}==VERSION"
        yield _warning("not-pinned", place, message)


def _packages(script: str) -> Iterator[str]:
    """The packages in a shell script's ``pip install`` lines that have no exact version."""
    for line in script.splitlines():
        if "install" not in line:
            continue
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        try:
            yield from _not_exact(list(words))
        except ValueError:
            continue  # a quoted string that spans lines


def _not_exact(words: list[str]) -> Iterator[str]:
    installs = skip = False
    for before, word in zip(("", *words), words, strict=False):
        if set(word) <= _SEPARATORS:
            installs = False
        elif word == "install" and before.rpartition("/")[2].startswith("pip"):
            installs, skip = True, False
        elif installs and (skip or word.startswith("-")):
            skip = word in _OPTIONS_WITH_VALUE
        elif installs and not any(sign in word for sign in ("==", "@", "/", "$")):
            name = _NAME.match(word)
            if name and not _SDKS.match(word):
                yield name[0]


def _stuck(tasks: Spec) -> set[str]:
    """The tasks that are part of a dependency cycle, or depend on one."""
    waiting = {
        name: {one for one in task.get("dependentTasks") or () if one in tasks}
        for name, task in tasks.items()
    }
    while free := {name for name, needed in waiting.items() if not needed & waiting.keys()}:
        for name in free:
            del waiting[name]
    return set(waiting)


def _reached(root: Spec, components: Spec) -> set[str]:
    reached: set[str] = set()
    todo = [root]
    while todo:
        for task in _map(_map(todo.pop(), "dag"), "tasks").values():
            name = _map(task, "componentRef").get("name", "")
            if name in components and name not in reached:
                reached.add(name)
                todo.append(components[name])
    return reached


def _loops(task: Spec) -> bool:
    return "parameterIterator" in task or "artifactIterator" in task


def _iterated(task: Spec) -> set[str]:
    """The inputs that a loop sets for each iteration."""
    found = set()
    for kind in ("parameterIterator", "artifactIterator"):
        if kind in task:
            found.add(str(task[kind].get("itemInput")))
    return found


def _fits(value: Any, kind: str | None) -> bool:
    wanted = _PYTHON.get(str(kind))
    if wanted is None or value is None:
        return True
    if isinstance(value, bool) and kind != "BOOLEAN":
        return False
    if kind == "NUMBER_INTEGER" and isinstance(value, float) and not value.is_integer():
        return False
    return isinstance(value, wanted)  # type: ignore[arg-type]


def _parameters(component: Spec) -> Spec:
    return _inputs_of(component, "parameters")


def _inputs_of(component: Spec, kind: str) -> Spec:
    return _map(_map(component, "inputDefinitions"), kind)


def _map(spec: Spec, key: str) -> Spec:
    found = spec.get(key)
    return found if isinstance(found, Mapping) else {}


def _error(rule: str, place: str, message: str) -> Finding:
    return Finding("error", rule, place, message)


def _warning(rule: str, place: str, message: str) -> Finding:
    return Finding("warning", rule, place, message)
