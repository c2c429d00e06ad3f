"""Starts of tasks: whether a task runs or is skipped, and what starting means for each kind."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import artifact_id
from headrace_contracts.ir.expressions import ExpressionError, condition_holds
from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.messages.events import Fingerprint, TaskReady
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact, ArtifactType, Inputs, Outputs

from headrace_scheduler.core.decision import Lookup, LookupAnswered
from headrace_scheduler.core.draft import Draft
from headrace_scheduler.core.fingerprint import fingerprint
from headrace_scheduler.core.inputs import (
    InputError,
    condition_values,
    import_source,
    item_scope,
    items_of,
    step_container,
    step_inputs,
    step_platform,
    task_inputs,
)
from headrace_scheduler.core.restart import restart, restart_children
from headrace_scheduler.core.run import Node, Scope

_MOST_ITERATIONS = 1000
"""Iterations that run at the same time in a loop without a limit of its own. More would only wait
for resources; the end of each starts the next."""


def start_if_ready(draft: Draft, node: Node) -> None:
    """Start or skip a pending task if all tasks that it depends on have ended."""
    if node.record.state is not TaskState.PENDING or node.waiting or node.awaits_lookup:
        return
    if draft.stopped(node):
        draft.cancel(node)
        return
    if draft.header.state is RunState.PAUSED:
        return  # resuming the run puts it on the agenda again
    reason = _reason_to_skip(draft, node)
    if reason is not None:
        draft.skip(node, reason, unreached=True)
        return
    try:
        given = task_inputs(draft.run, node)
        if _condition_fails(node, given):
            draft.skip(node, "its condition is false", unreached=False)
        else:
            _start(draft, node, given)
    except InputError as error:
        draft.fail(node, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))
    except ExpressionError as error:
        message = f"its condition cannot be evaluated: {error}"
        draft.fail(node, Failure(code=FailureCode.CONDITION_INVALID, message=message))


def _reason_to_skip(draft: Draft, node: Node) -> str | None:
    """Why the task cannot run; None if it can."""
    upstream = node.upstream()
    if node.always:
        unreached = all(other.record.unreached for other in upstream)
        return "none of the tasks that it depends on ran" if unreached else None
    for other in upstream:
        if other.record.state is not TaskState.SUCCEEDED:
            return f"task {other.record.name!r} {_ENDS[other.record.state]}"
    parent = node.parent
    if parent is not None and parent.failed and draft.fail_fast:
        return "another task of the DAG failed"
    return None


_ENDS = {
    TaskState.FAILED: "failed",
    TaskState.SKIPPED: "was skipped",
    TaskState.CANCELED: "was canceled",
}


def _condition_fails(node: Node, given: Scope) -> bool:
    condition = node.plan.task.trigger_policy.condition
    if not condition or node.record.iteration is not None:
        return False
    return not condition_holds(condition, condition_values(node, given))


def _start(draft: Draft, node: Node, given: Scope) -> None:
    match node.kind:
        case TaskKind.DAG:
            start_dag(draft, node, given)
        case TaskKind.LOOP:
            _start_loop(draft, node, given)
        case TaskKind.IMPORT:
            _import(draft, node, given)
        case TaskKind.STEP:
            _look_up_or_launch(draft, node, given)


def next_attempt(node: Node) -> int:
    """The number of the next attempt; a task that was reset already has it."""
    reserved = node.record.state is TaskState.PENDING and node.record.attempt > 0
    return node.record.attempt if reserved else node.record.attempt + 1


def start_dag(draft: Draft, node: Node, given: Scope) -> None:
    """Create the tasks of a DAG, and start those that depend on none."""
    _set_running(draft, node, given)
    assert node.plan.dag is not None
    if node.children:  # of an earlier attempt
        restart_children(draft, node)
        return
    children = [draft.add_child(node, name) for name in node.plan.dag.tasks]
    if node.parent is not None:  # `run.started` has the children of the root
        for child in children:
            draft.publish_planned(child)
    node.recount()
    draft.agenda += [child for child in children if not child.waiting]


def _start_loop(draft: Draft, node: Node, given: Scope) -> None:
    _set_running(draft, node, given)
    items_of(draft.run, node)
    restart_children(draft, node)


def _set_running(draft: Draft, node: Node, given: Scope) -> None:
    """Set a DAG or loop running. The record of an iteration has only its item as input; the other
    inputs are those of its loop."""
    node.scope = node.items = None
    inputs = node.record.inputs
    if node.record.iteration is None and node.parent is not None:
        inputs = Inputs(parameters=given.parameters, artifacts=given.artifacts)
    attempt = next_attempt(node)
    draft.put(node, state=TaskState.RUNNING, attempt=attempt, inputs=inputs, due_at=None)
    draft.publish_started(node)


def start_iterations(draft: Draft, loop: Node) -> bool:
    """Start iterations up to the loop's limit; returns whether more remain."""
    if draft.stopped(loop) or (loop.failed and draft.fail_fast):
        return False
    items = items_of(draft.run, loop)
    limit = loop.plan.parallelism or _MOST_ITERATIONS
    paused = draft.header.state is RunState.PAUSED
    while not paused and loop.active < limit and loop.cursor < len(items):
        index, loop.cursor = loop.cursor, loop.cursor + 1
        known = loop.children.get(index)
        if known is not None and known.started:
            continue  # it succeeded in an earlier attempt of the loop
        child = known or draft.add_child(loop, loop.record.name, index)
        draft.put(child, inputs=item_scope(loop, items[index]))
        if known is None:
            draft.publish_planned(child)
        loop.active += 1
        draft.agenda.append(child)
    return loop.cursor < len(items)


def _import(draft: Draft, node: Node, given: Scope) -> None:
    """Create the artifact. Without `reimport`, the same URI, type and metadata give the same
    artifact in the whole namespace."""
    importer = node.plan.importer
    assert importer is not None
    uri, metadata = import_source(draft.run, node, given)
    (name,) = node.plan.component.output_definitions.artifacts
    artifact = Artifact(
        name=name,
        uri=uri,
        type=ArtifactType.model_validate(importer.type_schema.model_dump(exclude_none=True)),
        metadata=metadata,
    )
    if importer.reimport:
        identity = artifact_id(draft.run.run_id, node.record.task_id, 0, name, 0)
    else:
        identity = imported_id(draft.run.submission.namespace, artifact)
    made = artifact.model_copy(update={"artifact_id": identity})
    draft.succeed(
        node,
        Outputs(artifacts={name: (made,)}),
        inputs=Inputs(parameters=given.parameters, artifacts=given.artifacts),
    )


def imported_id(namespace: str, artifact: Artifact) -> UUID:
    """The id of an imported artifact, the same for all imports in the namespace."""
    return artifact_id(_NO_ID, _NO_ID, 0, f"{namespace}/{artifact.to_json().decode()}", 0)


_NO_ID = UUID(int=0)


def _look_up_or_launch(draft: Draft, node: Node, given: Scope) -> None:
    """Look up the outputs of an earlier execution if the run allows it, otherwise launch."""
    inputs = step_inputs(draft.run, node, given)
    found = fingerprint(node.plan, inputs)
    draft.put(node, fingerprint=found.digest)
    submission = draft.run.submission
    cached = submission.caching and node.plan.cached
    if cached or submission.rerun is not None:
        draft.lookups.append(Lookup(node.record.task_id, node.record.path, found, cached))
    else:
        _launch(draft, node, given, inputs)


def repeat_lookup(draft: Draft, node: Node) -> None:
    """Ask again for a lookup whose answer was lost."""
    _look_up_or_launch(draft, node, task_inputs(draft.run, node))


def lookup_answered(draft: Draft, answer: LookupAnswered) -> None:
    """End the step with the outputs that were found, or launch it. Does nothing if the step does
    not wait for this answer any more."""
    node = draft.run.nodes.get(answer.task_id)
    if node is None or not node.awaits_lookup:
        return
    if node.record.fingerprint != answer.fingerprint.digest:
        return
    if draft.header.state is RunState.PAUSED:
        draft.put(node, fingerprint=None)  # resuming the run looks up again
        return
    try:
        given = task_inputs(draft.run, node)
        inputs = step_inputs(draft.run, node, given)
        if answer.found is None:
            _launch(draft, node, given, inputs, answer.fingerprint)
        else:
            origin = answer.found.origin
            draft.succeed(node, answer.found.outputs, inputs, origin, answer.fingerprint)
    except InputError as error:
        draft.fail(node, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))


def start_attempt(draft: Draft, node: Node) -> None:
    """Start another attempt of a task whose last one failed or was lost."""
    if node.kind in (TaskKind.DAG, TaskKind.LOOP):
        restart(draft, node)
        return
    try:
        given = task_inputs(draft.run, node)
        _launch(draft, node, given, step_inputs(draft.run, node, given))
    except InputError as error:
        draft.fail(node, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))


def _launch(
    draft: Draft,
    node: Node,
    given: Scope,
    inputs: Inputs,
    found: Fingerprint | None = None,
) -> None:
    """Start an attempt of a step. `found` is its fingerprint if it was looked up."""
    attempt = next_attempt(node)
    draft.put(node, state=TaskState.READY, attempt=attempt, due_at=None)
    draft.events.append(
        TaskReady(
            run_id=draft.run.run_id,
            task_id=node.record.task_id,
            name=node.record.name,
            attempt=attempt,
            inputs=inputs,
            fingerprint=found,
        )
    )
    draft.commands.append(launch_command(draft, node, given, inputs))


def repeat_launch(draft: Draft, node: Node) -> None:
    """Send the command of the current attempt again, unchanged."""
    given = task_inputs(draft.run, node)
    inputs = step_inputs(draft.run, node, given)
    draft.commands.append(launch_command(draft, node, given, inputs))


def launch_command(draft: Draft, node: Node, given: Scope, inputs: Inputs) -> LaunchAttempt:
    """The command that launches the current attempt."""
    run, plan, record = draft.run, node.plan, node.record
    submission = run.submission
    return LaunchAttempt(
        cluster=draft.cluster,
        run_id=run.run_id,
        task_id=record.task_id,
        attempt=record.attempt,
        namespace=submission.namespace,
        pipeline_name=submission.pipeline.name,
        run_display_name=submission.display_name,
        run_created_at=submission.submitted_at,
        pipeline_root=submission.pipeline_root,
        task_name=record.name,
        path=record.path,
        container=step_container(run, node, given),
        input_definitions=plan.component.input_definitions,
        output_definitions=plan.component.output_definitions,
        inputs=inputs,
        timeout_seconds=plan.timeout_seconds,
        priority=submission.priority,
        retry_index=record.retries,
        workspace=run.plan.workspace,
        platform=step_platform(run, node, given),
    )
