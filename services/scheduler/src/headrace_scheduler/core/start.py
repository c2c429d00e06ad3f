"""Tasks that have their turn: skipped by what came before or by their condition, or started."""

from __future__ import annotations

from uuid import UUID

from headrace_contracts.commands import LaunchAttempt
from headrace_contracts.events import TaskReady
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.ids import artifact_id
from headrace_contracts.ir.expressions import ExpressionError, holds
from headrace_contracts.states import RunState, TaskKind, TaskState
from headrace_contracts.values import Artifact, ArtifactType, Inputs, Outputs

from headrace_scheduler.core.again import reopen, rouse
from headrace_scheduler.core.draft import Draft, Lookup, LookupAnswered
from headrace_scheduler.core.fingerprint import fingerprint
from headrace_scheduler.core.inputs import (
    InputError,
    bound,
    condition_values,
    import_source,
    item_scope,
    items_of,
    step_container,
    step_inputs,
    step_platform,
)
from headrace_scheduler.core.run import Node, Scope

_MOST_ITERATIONS = 1000
"""Iterations of a loop without a limit of its own that run at one time. More would only wait, here
as rows or there as pods; each that ends makes room for the next."""


def consider(draft: Draft, node: Node) -> None:
    """Give a pending task its turn, if it is its turn: all that it depends on has ended."""
    if node.record.state is not TaskState.PENDING or node.waiting or node.asked:
        return
    if draft.stopped(node):
        draft.cancel(node)
        return
    if draft.header.state is RunState.PAUSED:
        return  # looked at again when the run is resumed
    reason = _barred(draft, node)
    if reason is not None:
        draft.skip(node, reason, unreached=True)
        return
    try:
        given = bound(draft.run, node)
        if _condition_fails(node, given):
            draft.skip(node, "its condition is false", unreached=False)
        else:
            _start(draft, node, given)
    except InputError as error:
        draft.fail(node, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))
    except ExpressionError as error:
        message = f"its condition cannot be evaluated: {error}"
        draft.fail(node, Failure(code=FailureCode.CONDITION_INVALID, message=message))


def _barred(draft: Draft, node: Node) -> str | None:
    """Why the task can never run, None when it can."""
    upstream = node.upstream()
    if node.always:
        unreached = all(other.record.unreached for other in upstream)
        return "nothing of what it follows has run" if unreached else None
    for other in upstream:
        if other.record.state is not TaskState.SUCCEEDED:
            return f"task {other.record.name!r} {_ENDS[other.record.state]}"
    parent = node.parent
    if parent is not None and parent.failed and draft.fail_fast:
        return "another task of its DAG failed"
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
    return not holds(condition, condition_values(node, given))


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
    """The number of the attempt to come; a task that was reset has it already."""
    reserved = node.record.state is TaskState.PENDING and node.record.attempt > 0
    return node.record.attempt if reserved else node.record.attempt + 1


def start_dag(draft: Draft, node: Node, given: Scope) -> None:
    """Bring up the tasks of a DAG, and give their turn to those that wait for nothing."""
    _run_inside(draft, node, given)
    assert node.plan.dag is not None
    if node.children:  # it ran before
        rouse(draft, node)
        return
    made = [draft.add_child(node, name) for name in node.plan.dag.tasks]
    if node.parent is not None:  # the root's are told with the start of the run
        for child in made:
            draft.tell_planned(child)
    node.recount()
    draft.agenda += [child for child in made if not child.waiting]


def _start_loop(draft: Draft, node: Node, given: Scope) -> None:
    _run_inside(draft, node, given)
    items_of(draft.run, node)
    rouse(draft, node)


def _run_inside(draft: Draft, node: Node, given: Scope) -> None:
    """The DAG or loop runs. An iteration keeps its item alone: the rest is its loop's."""
    node.scope = node.items = None
    inputs = node.record.inputs
    if node.record.iteration is None and node.parent is not None:
        inputs = Inputs(parameters=given.parameters, artifacts=given.artifacts)
    attempt = next_attempt(node)
    draft.put(node, state=TaskState.RUNNING, attempt=attempt, inputs=inputs, due_at=None)
    draft.tell_started(node)


def iterate(draft: Draft, loop: Node) -> bool:
    """Give iterations their turn as far as the loop's limit allows; returns whether more are to
    come."""
    if draft.stopped(loop) or (loop.failed and draft.fail_fast):
        return False
    items = items_of(draft.run, loop)
    limit = loop.plan.parallelism or _MOST_ITERATIONS
    paused = draft.header.state is RunState.PAUSED
    while not paused and loop.active < limit and loop.cursor < len(items):
        index, loop.cursor = loop.cursor, loop.cursor + 1
        known = loop.children.get(index)
        if known is not None and known.record.state is not TaskState.PENDING:
            continue  # it succeeded before the loop was run again
        child = known or draft.add_child(loop, loop.record.name, index)
        draft.put(child, inputs=item_scope(loop, items[index]))
        if known is None:
            draft.tell_planned(child)
        loop.active += 1
        draft.agenda.append(child)
    return loop.cursor < len(items)


def _import(draft: Draft, node: Node, given: Scope) -> None:
    """Make the artifact. Without `reimport` the same URI, type and metadata are the same one in
    the whole namespace."""
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
    """The identity of an artifact that is imported once, wherever it is used."""
    return artifact_id(_NOBODY, _NOBODY, 0, f"{namespace}/{artifact.to_json().decode()}", 0)


_NOBODY = UUID(int=0)


def _look_up_or_launch(draft: Draft, node: Node, given: Scope) -> None:
    """Ask whether the outputs are there already, where that is allowed, else launch."""
    inputs = step_inputs(draft.run, node, given)
    found = fingerprint(node.plan, inputs)
    draft.put(node, fingerprint=found.digest)
    submission = draft.run.submission
    cached = submission.caching and node.plan.cached
    if cached or submission.rerun is not None:
        node.asked = True
        draft.lookups.append(Lookup(node.record.task_id, node.record.path, found, cached))
    else:
        _launch(draft, node, given, inputs)


def answer(draft: Draft, news: LookupAnswered) -> None:
    """Take the outputs that were found, or launch."""
    node = draft.run.nodes.get(news.task_id)
    if node is None or not node.asked:
        return
    node.asked = False
    given = bound(draft.run, node)
    inputs = step_inputs(draft.run, node, given)
    if news.taken is None:
        _launch(draft, node, given, inputs, news)
    else:
        origin = news.taken.origin
        draft.succeed(node, news.taken.outputs, inputs, origin, news.fingerprint)


def try_again(draft: Draft, node: Node) -> None:
    """Another attempt of a task whose last one came to nothing."""
    if node.kind in (TaskKind.DAG, TaskKind.LOOP):
        reopen(draft, node)
        return
    try:
        given = bound(draft.run, node)
        _launch(draft, node, given, step_inputs(draft.run, node, given))
    except InputError as error:  # its inputs have not changed, so this cannot be
        draft.fail(node, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))


def _launch(
    draft: Draft, node: Node, given: Scope, inputs: Inputs, asked: LookupAnswered | None = None
) -> None:
    attempt = next_attempt(node)
    draft.put(node, state=TaskState.READY, attempt=attempt, due_at=None)
    draft.events.append(
        TaskReady(
            run_id=draft.run.run_id,
            task_id=node.record.task_id,
            name=node.record.name,
            attempt=attempt,
            inputs=inputs,
            fingerprint=None if asked is None else asked.fingerprint,
        )
    )
    draft.commands.append(launch_command(draft, node, given, inputs))


def repeat_launch(draft: Draft, node: Node) -> None:
    """The command of an attempt that is under way once more, word for word."""
    given = bound(draft.run, node)
    inputs = step_inputs(draft.run, node, given)
    draft.commands.append(launch_command(draft, node, given, inputs))


def launch_command(draft: Draft, node: Node, given: Scope, inputs: Inputs) -> LaunchAttempt:
    """All that an executor has to know about an attempt."""
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
