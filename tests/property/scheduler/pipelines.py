"""Random pipelines as trees, their IR, and what they come to by a few lines of recursion."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headrace_contracts.ir.models import PipelineDocument
from headrace_contracts.ir.parse import parse_document
from hypothesis import strategies as st

ITEM = "pipelinechannel--item"
STRING = {"parameterType": "STRING", "isOptional": True}


@dataclass(frozen=True)
class T:
    """A task: a step, or a DAG of `inside`, run once or for each of `items`."""

    name: str
    upstream: tuple[str, ...] = ()
    inside: tuple[T, ...] = ()
    items: tuple[str, ...] | None = None
    limit: int = 0
    condition: bool | None = None
    unless_item: str | None = None
    always: bool = False
    exit_task: bool = False
    retries: int = 0


def document(tasks: tuple[T, ...]) -> PipelineDocument:
    """The IR of a pipeline of these tasks."""
    components: dict[str, Any] = {}
    root = _dag(tasks, components, "r", scoped=False)
    spec = {
        "pipelineInfo": {"name": "random"},
        "schemaVersion": "2.1.0",
        "root": {"dag": root, "outputDefinitions": _outputs(tasks)},
        "components": components,
        "deploymentSpec": {"executors": {"exec": {"container": {"image": "", "command": ["x"]}}}},
    }
    return parse_document([spec])


def _outputs(tasks: tuple[T, ...]) -> dict[str, Any]:
    return {"parameters": {t.name: {"parameterType": "STRING"} for t in tasks}}


def _dag(tasks: tuple[T, ...], components: dict[str, Any], key: str, *, scoped: bool) -> Any:
    return {
        "tasks": {t.name: _task(t, components, f"{key}-{t.name}", scoped=scoped) for t in tasks},
        "outputs": {
            "parameters": {
                t.name: {
                    "valueFromParameter": {
                        "producerSubtask": t.name,
                        "outputParameterKey": t.inside[0].name if t.inside else "value",
                    }
                }
                for t in tasks
            }
        },
    }


def _task(t: T, components: dict[str, Any], key: str, *, scoped: bool) -> dict[str, Any]:
    inputs = {ITEM: STRING, **{f"from-{name}": STRING for name in t.upstream}}
    component: dict[str, Any] = {"inputDefinitions": {"parameters": inputs}}
    if t.inside:
        component["dag"] = _dag(t.inside, components, key, scoped=True)
        component["outputDefinitions"] = _outputs(t.inside)
    else:
        component["executorLabel"] = "exec"
        component["outputDefinitions"] = {"parameters": {"value": {"parameterType": "STRING"}}}
    components[key] = component
    bound: dict[str, Any] = {}
    if scoped and t.items is None:
        bound[ITEM] = {"componentInputParameter": ITEM}
    task: dict[str, Any] = {
        "componentRef": {"name": key},
        "dependentTasks": list(t.upstream),
        "inputs": {"parameters": bound},
    }
    trigger: dict[str, Any] = {}
    conditions: list[str] = []
    if t.condition is not None:
        bound["flag"] = {"runtimeValue": {"constant": t.condition}}
        conditions.append("inputs.parameter_values['flag'] == true")
    if t.unless_item is not None:
        conditions.append(f"inputs.parameter_values['outer'] != '{t.unless_item}'")
        bound["outer"] = {"componentInputParameter": ITEM}
    if t.always:
        trigger["strategy"] = "ALL_UPSTREAM_TASKS_COMPLETED"
    if t.exit_task:
        component["inputDefinitions"]["parameters"]["status"] = {
            "parameterType": "TASK_FINAL_STATUS",
            "isOptional": True,
        }
        bound["status"] = {"taskFinalStatus": {"producerTask": t.upstream[0]}}
    task["triggerPolicy"] = {**trigger, "condition": " && ".join(conditions)}
    if t.items is not None:
        bound.pop(ITEM, None)
        task["parameterIterator"] = {"itemInput": ITEM, "items": {"raw": json.dumps(t.items)}}
        task["iteratorPolicy"] = {"parallelismLimit": t.limit}
    if t.retries:
        task["retryPolicy"] = {"maxRetryCount": t.retries, "backoffDuration": "5s"}
    return task


@dataclass
class Expected:
    """What a pipeline comes to: the state of every task by path, and each step's value."""

    states: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


Fails = Callable[[str, T], bool]


def interpret(tasks: tuple[T, ...], fails: Fails) -> Expected:
    """Run a pipeline in one's head, nothing being cut short by a failure."""
    expected = Expected()
    _interpret(tasks, "root", None, fails, expected)
    return expected


def _interpret(
    tasks: tuple[T, ...], path: str, item: str | None, fails: Fails, out: Expected
) -> tuple[str, dict[str, Any]]:
    made: dict[str, Any] = {}
    states: dict[str, str] = {}
    for t in tasks:  # in an order in which they can run
        before = [states[name] for name in t.upstream]
        if all(s == "UNREACHED" for s in before) if t.always and before else set(before) - {"OK"}:
            states[t.name] = "UNREACHED" if not t.always or before else "OK"
        elif t.condition is False or (t.unless_item is not None and item == t.unless_item):
            states[t.name] = "SKIPPED"
        else:
            states[t.name], value = _run(t, f"{path}/{t.name}", item, fails, out)
            made |= {} if value is None else {t.name: value}
        out.states[f"{path}/{t.name}"] = states[t.name]
    return ("FAILED" if "FAILED" in states.values() else "OK"), made


def _run(t: T, path: str, item: str | None, fails: Fails, out: Expected) -> tuple[str, Any]:
    if t.items is None:
        return _body(t, path, item, fails, out)
    ends = [_body(t, f"{path}/{i}", one, fails, out) for i, one in enumerate(t.items)]
    for index, (state, _) in enumerate(ends):
        out.states[f"{path}/{index}"] = state
    if any(state == "FAILED" for state, _ in ends):
        return "FAILED", None
    return "OK", [value for _, value in ends if value is not None]


def _body(t: T, path: str, item: str | None, fails: Fails, out: Expected) -> tuple[str, Any]:
    if t.inside:
        state, made = _interpret(t.inside, path, item, fails, out)
        return state, made.get(t.inside[0].name) if state == "OK" else None
    if fails(path, t):
        return "FAILED", None
    out.values[path] = value_of(path, item)
    return "OK", out.values[path]


def value_of(path: str, item: str | None) -> str:
    """What a step writes."""
    return f"{path}({item or ''})"


@st.composite
def trees(
    draw: st.DrawFn, depth: int = 2, in_loop: bool = False, retried_dags: bool = False
) -> tuple[T, ...]:
    """Random pipelines: graphs within graphs, loops, conditions, exit tasks, retries."""
    tasks: list[T] = []
    for index in range(draw(st.integers(1, 4))):
        before = [t.name for t in tasks]
        upstream = (
            tuple(sorted(draw(st.sets(st.sampled_from(before), max_size=2)))) if before else ()
        )
        kind = draw(st.sampled_from(["step", "step", "step", "dag", "loop", "loop-step"]))
        items = None
        if kind.startswith("loop"):
            items = tuple(draw(st.lists(st.sampled_from("xyz"), max_size=3)))
        inside: tuple[T, ...] = ()
        if depth and kind in ("dag", "loop"):
            inside = draw(trees(depth - 1, in_loop or items is not None, retried_dags))
        always = bool(upstream) and draw(st.integers(0, 3)) == 0
        tasks.append(
            T(
                name=f"t{index}",
                upstream=tuple(upstream),
                inside=inside,
                items=items,
                limit=draw(st.integers(0, 2)),
                condition=draw(st.sampled_from([None, None, None, True, False])),
                unless_item=draw(st.sampled_from([None, None, "x"])) if in_loop else None,
                always=always,
                exit_task=always and draw(st.booleans()),
                retries=draw(st.sampled_from([0, 0, 1, 2])) if retried_dags or not inside else 0,
            )
        )
    return tuple(tasks)
