"""The outputs of a DAG or a loop, from those of its tasks."""

from __future__ import annotations

from typing import Any

from headrace_contracts.states import TaskState
from headrace_contracts.values import Artifact, Outputs

from headrace_scheduler.core.run import Node


def dag_outputs(node: Node) -> Outputs:
    """A DAG's outputs. An output that no task produced is absent; of several sources (`dsl.OneOf`)
    the first whose task succeeded counts."""
    assert node.plan.dag is not None
    selected = node.plan.dag.outputs
    parameters: dict[str, Any] = {}
    for name, parameter in selected.parameters.items():
        for source in parameter.selectors:
            produced = _outputs(node, source.producer_subtask).parameters
            if source.output_parameter_key in produced:
                parameters[name] = produced[source.output_parameter_key]
                break
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    for name, artifact in selected.artifacts.items():
        for selector in artifact.artifact_selectors:
            found = _outputs(node, selector.producer_subtask).artifacts
            if selector.output_artifact_key in found:
                artifacts[name] = found[selector.output_artifact_key]
                break
    return Outputs(parameters=parameters, artifacts=artifacts)


def loop_outputs(node: Node) -> Outputs:
    """A loop's outputs (`dsl.Collected`): for each output, the list of the iterations' values in
    the order of the items. An iteration that did not produce the output has no entry."""
    definitions = node.plan.component.output_definitions
    produced = [node.children[index].record.outputs for index in range(len(node.items or ()))]
    return Outputs(
        parameters={
            name: [one.parameters[name] for one in produced if name in one.parameters]
            for name in definitions.parameters
        },
        artifacts={
            name: tuple(artifact for one in produced for artifact in one.artifacts.get(name, ()))
            for name in definitions.artifacts
        },
    )


def _outputs(node: Node, name: str) -> Outputs:
    record = node.children[name].record
    return record.outputs if record.state is TaskState.SUCCEEDED else Outputs()
