"""What would fail, or surprise, when a compiled pipeline is submitted: rules over its IR.

Pure: a spec comes in, findings come out. An error is refused or fails for certain; a warning is
allowed and seldom meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Spec = Mapping[str, Any]
_PYTHON = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float),
           "BOOLEAN": bool, "LIST": list, "STRUCT": dict}  # fmt: skip
_NUMBERS = ("NUMBER_INTEGER", "NUMBER_DOUBLE")
_ANY = ("system.Artifact", None)
_PIP = re.compile(r"pip3? install(?P<words>[^&|;\n]*(?:'[^']*'[^&|;\n]*)*)")
_WORD = re.compile(r"'([^']*)'|\"([^\"]*)\"|(\S+)")
_TAKES_VALUE = ("-r", "-c", "-i", "-f", "-e", "--index-url", "--extra-index-url", "--find-links",
                "--trusted-host", "--requirement", "--constraint", "--editable")  # fmt: skip
_OWN = re.compile(r"^(kfp|headrace|typing-extensions)\b")
"""What the SDKs themselves install."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or is seldom meant: the rule, where, and what to do."""

    severity: Literal["error", "warning"]
    rule: str
    place: str
    message: str


def check(spec: Spec) -> list[Finding]:
    """All findings in a pipeline, errors first."""
    if not isinstance(spec.get("root"), Mapping) or "pipelineInfo" not in spec:
        words = "it is no compiled pipeline: pipelineInfo or root is missing"
        return [Finding("error", "not-a-pipeline", "", words)]
    components = _map(spec, "components")
    executors = _map(_map(spec, "deploymentSpec"), "executors")
    found = [*_dag("root", spec["root"], components)]
    used = {"root"}
    for name, component in components.items():
        found += _component(name, component, components, executors)
    used |= _reached(spec["root"], components)
    for name in components.keys() - used:
        found.append(_warning("unreachable", f"components.{name}", "no task uses it"))
    labels = {component.get("executorLabel") for component in components.values()}
    for label, executor in executors.items():
        place = f"deploymentSpec.executors.{label}"
        if label not in labels:
            found.append(_warning("unreachable", place, "no component uses it"))
        found += _pins(place, executor)
    return sorted(found, key=lambda one: (one.severity != "error", one.place, one.rule))


def check_parameters(spec: Spec, given: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with parameters that a run would be submitted with."""
    declared = _parameters(_map(spec, "root"))
    found = []
    for name in given.keys() - declared.keys():
        known = ", ".join(sorted(declared)) or "none"
        words = f"the pipeline has no parameter {name!r}; it has: {known}"
        found.append(_error("unknown-input", f"parameters.{name}", words))
    for name, definition in declared.items():
        place, kind = f"parameters.{name}", definition.get("parameterType")
        if name in given:
            if not _fits(given[name], kind):
                words = f"{given[name]!r} is not of type {kind}"
                found.append(_error("type-mismatch", place, words))
        elif "defaultValue" not in definition and not definition.get("isOptional"):
            found.append(_error("missing-input", place, "it has no default and is not given"))
    return sorted(found, key=lambda one: one.place)


def _component(name: str, component: Spec, components: Spec, executors: Spec) -> Iterator[Finding]:
    place = f"components.{name}"
    if "dag" in component:
        yield from _dag(place, component, components)
    elif component.get("executorLabel") not in executors:
        words = f"its executor {component.get('executorLabel')!r} does not exist"
        yield _error("unknown-executor", place, words)
    for parameter, definition in _parameters(component).items():
        value, kind = definition.get("defaultValue"), definition.get("parameterType")
        if value is not None and not _fits(value, kind):
            words = f"the default {value!r} is not of type {kind}"
            yield _error("type-mismatch", f"{place}.{parameter}", words)


def _dag(place: str, component: Spec, components: Spec) -> Iterator[Finding]:
    tasks = _map(_map(component, "dag"), "tasks")
    for name, task in tasks.items():
        where = f"{place}.{name}"
        for needed in task.get("dependentTasks") or ():
            if needed not in tasks:
                yield _error("unreachable", where, f"it waits for {needed!r}, which does not exist")
        known = components.get(_map(task, "componentRef").get("name", ""))
        if known is None:
            yield _error("unknown-component", where, "its component does not exist")
            continue
        yield from _inputs(where, task, known, component, tasks, components)
        yield from _condition(where, task)
    for name in sorted(_stuck(tasks)):
        words = "it waits for itself, through the tasks that it depends on; it never starts"
        yield _error("unreachable", f"{place}.{name}", words)
    yield from _outputs(place, component, tasks, components)


def _inputs(
    where: str, task: Spec, known: Spec, parent: Spec, tasks: Spec, components: Spec
) -> Iterator[Finding]:
    given = _map(task, "inputs")
    iterated = _iterated(task)
    for kind, declared in (("parameters", _parameters(known)), ("artifacts", _artifacts(known))):
        passed = _map(given, kind)
        for name, source in passed.items():
            place = f"{where}.inputs.{name}"
            if name in iterated:
                continue
            if name not in declared:
                options = ", ".join(sorted(declared)) or "none"
                words = f"the component has no input {name!r}; it has: {options}"
                yield _error("unknown-input", place, words)
                continue
            yield from _source(place, kind, source, declared[name], parent, tasks, components, task)
        for name, definition in declared.items():
            optional = definition.get("isOptional") or "defaultValue" in definition
            if name not in passed and name not in iterated and not optional:
                yield _error("missing-input", f"{where}.inputs.{name}", "nothing is passed to it")


def _source(
    place: str,
    kind: str,
    source: Spec,
    wanted: Spec,
    parent: Spec,
    tasks: Spec,
    components: Spec,
    task: Spec,
) -> Iterator[Finding]:
    """A task's input: that where it comes from exists, and is of its type."""
    outer = source.get("componentInputParameter") or source.get("componentInputArtifact")
    inner = source.get("taskOutputParameter") or source.get("taskOutputArtifact")
    if "runtimeValue" in source:
        value = _map(source, "runtimeValue").get("constant")
        text = isinstance(value, str) and "{{" in value
        if value is not None and not text and not _fits(value, wanted.get("parameterType")):
            words = f"{value!r} is not of type {wanted.get('parameterType')}"
            yield _error("type-mismatch", place, words)
        return
    if outer is not None:
        declared = _parameters(parent) if kind == "parameters" else _artifacts(parent)
        if outer in _iterated(task):
            return  # an item of a loop, which has the type that its list has
        if str(outer) not in declared:
            yield _error("unknown-input", place, f"the pipeline has no input {outer!r}")
            return
        made = declared[str(outer)]
    elif inner is not None:
        producer = str(inner.get("producerTask"))
        key = inner.get("outputParameterKey") or inner.get("outputArtifactKey")
        if producer not in tasks:
            yield _error("unknown-input", place, f"there is no task {producer!r} here")
            return
        reference = _map(tasks[producer], "componentRef").get("name", "")
        outputs = _map(_map(components, reference), "outputDefinitions")
        made = _map(outputs, kind).get(key)
        if made is None:
            yield _error("unknown-input", place, f"task {producer!r} has no output {key!r}")
            return
        if _loops(tasks[producer]):
            return  # collected from iterations: a list of what is declared
    else:
        return
    if source.get("parameterExpressionSelector"):
        return
    yield from _types(place, made, wanted)


def _types(place: str, made: Spec, wanted: Spec) -> Iterator[Finding]:
    have, want = made.get("parameterType"), wanted.get("parameterType")
    if have != want and have and want and not (have in _NUMBERS and want in _NUMBERS):
        yield _error("type-mismatch", place, f"a value of type {have} is passed to one of {want}")
    title = _map(made, "artifactType").get("schemaTitle")
    other = _map(wanted, "artifactType").get("schemaTitle")
    if title != other and title not in _ANY and other not in _ANY:
        yield _error("type-mismatch", place, f"an artifact {title} is passed to one of {other}")
    if bool(made.get("isArtifactList")) != bool(wanted.get("isArtifactList")):
        words = "one artifact is passed to a list, or a list to one artifact"
        yield _error("type-mismatch", place, words)


def _condition(where: str, task: Spec) -> Iterator[Finding]:
    text = str(_map(task, "triggerPolicy").get("condition", "")).strip().lower()
    if text in ("false", "!(true)"):
        yield _warning("unreachable", where, "its condition never holds")


def _outputs(place: str, component: Spec, tasks: Spec, components: Spec) -> Iterator[Finding]:
    outputs = _map(_map(component, "dag"), "outputs")
    for kind in ("parameters", "artifacts"):
        for name, source in _map(outputs, kind).items():
            for one in _selectors(source):
                where = f"{place}.outputs.{name}"
                producer = one.get("producerSubtask")
                if producer not in tasks:
                    yield _error("unknown-input", where, f"there is no task {producer!r} here")
                    continue
                key = one.get("outputParameterKey") or one.get("outputArtifactKey")
                reference = _map(tasks[producer], "componentRef").get("name", "")
                made = _map(_map(_map(components, reference), "outputDefinitions"), kind)
                if key not in made:
                    words = f"task {producer!r} has no output {key!r}"
                    yield _error("unknown-input", where, words)


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
        words = f"image {image!r} can be another one tomorrow; give a version or a digest"
        yield _warning("not-pinned", place, words)
    words_of = [*(container.get("command") or ()), *(container.get("args") or ())]
    for package in dict.fromkeys(
        package for word in words_of[:4] if isinstance(word, str) for package in _packages(word)
    ):
        words = f"package {package!r} can be another version tomorrow; write {package}==VERSION"
        yield _warning("not-pinned", place, words)


def _packages(script: str) -> Iterator[str]:
    """The packages of a shell's pip lines that have no exact version."""
    for line in _PIP.finditer(script):
        skip = False
        for quoted, double, bare in _WORD.findall(line["words"]):
            word = quoted or double or bare
            if skip or word.startswith("-"):
                skip = word in _TAKES_VALUE
                continue
            exact = "==" in word or "===" in word or "@" in word or "/" in word
            if word and not exact and not _OWN.match(word):
                yield word


def _stuck(tasks: Spec) -> set[str]:
    """The tasks that lie on a circle, or behind one."""
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
    """The inputs that a loop gives its iterations."""
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
    return _map(_map(component, "inputDefinitions"), "parameters")


def _artifacts(component: Spec) -> Spec:
    return _map(_map(component, "inputDefinitions"), "artifacts")


def _map(spec: Spec, key: str) -> Spec:
    found = spec.get(key)
    return found if isinstance(found, Mapping) else {}


def _error(rule: str, place: str, message: str) -> Finding:
    return Finding("error", rule, place, message)


def _warning(rule: str, place: str, message: str) -> Finding:
    return Finding("warning", rule, place, message)
