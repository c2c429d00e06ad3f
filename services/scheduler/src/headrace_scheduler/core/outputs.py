"""What a DAG or a loop gives to the outside, from what its tasks made."""

from __future__ import annotations

from typing import Any

from headrace_contracts.states import TaskState
from headrace_contracts.values import Artifact, Outputs

from headrace_scheduler.core.run import Node


def dag_outputs(node: Node) -> Outputs:
    """A DAG's outputs. An output that no task made is absent; of several sources (`dsl.OneOf`)
    the first whose task succeeded gives it."""
    assert node.plan.dag is not None
    selected = node.plan.dag.outputs
    parameters: dict[str, Any] = {}
    for name, parameter in selected.parameters.items():
        for source in parameter.selectors:
            made = _made(node, source.producer_subtask).parameters
            if source.output_parameter_key in made:
                parameters[name] = made[source.output_parameter_key]
                break
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    for name, artifact in selected.artifacts.items():
        for selector in artifact.artifact_selectors:
            found = _made(node, selector.producer_subtask).artifacts
            if selector.output_artifact_key in found:
                artifacts[name] = found[selector.output_artifact_key]
                break
    return Outputs(parameters=parameters, artifacts=artifacts)


def loop_outputs(node: Node) -> Outputs:
    """A loop's outputs (`dsl.Collected`): each parameter as the list of what the iterations made,
    each artifact as all of theirs in one list, in the order of the items. An iteration that did
    not make one has no place in the list."""
    definitions = node.plan.component.output_definitions
    made = [node.children[index].record.outputs for index in range(len(node.items or ()))]
    return Outputs(
        parameters={
            name: [one.parameters[name] for one in made if name in one.parameters]
            for name in definitions.parameters
        },
        artifacts={
            name: tuple(artifact for one in made for artifact in one.artifacts.get(name, ()))
            for name in definitions.artifacts
        },
    )


def _made(node: Node, name: str) -> Outputs:
    record = node.children[name].record
    return record.outputs if record.state is TaskState.SUCCEEDED else Outputs()
