"""The scheduler's judgement: news in, a decision out. `decide` is total, order-insensitive and
idempotent: news about an attempt that does not count, or a task that has ended, changes nothing.

Rules, one function each:
- a task is ready when all that it depends on has succeeded;
- after a failure nothing new starts, what runs may end, and what waits is skipped;
- an attempt that the platform lost is made again, a few times, at no cost to the user;
- a cancellation stops what runs and drops what waits;
- a run ends when its last task has.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from headrace_contracts.commands import AttemptCommand, CancelAttempt, LaunchAttempt
from headrace_contracts.events import (
    AttemptFailed,
    AttemptSucceeded,
    PlannedTask,
    RunCanceled,
    RunCancelRequested,
    RunEvent,
    RunFailed,
    RunStarted,
    RunSubmitted,
    RunSucceeded,
    TaskCanceled,
    TaskEvent,
    TaskFailed,
    TaskReady,
    TaskSkipped,
    TaskSucceeded,
)
from headrace_contracts.failures import Failure, FailureCode
from headrace_contracts.states import RunState, TaskState
from headrace_contracts.values import Artifact, Inputs, Outputs

from headrace_scheduler.core.inputs import InputError, resolve_inputs
from headrace_scheduler.core.run import Decision, Run, RunHeader, TaskRecord, with_state

News = RunSubmitted | RunCancelRequested | AttemptSucceeded | AttemptFailed

MAX_LOST = 3
"""Attempts that are made up for: a node that dies is bad luck, a fourth one is a pattern."""


def decide(run: Run, news: News, cluster: str) -> Decision:
    """What the news changes in the run, and what is to be told."""
    draft = _Draft(run, cluster)
    if not run.header.state.final:
        match news:
            case RunSubmitted():
                _submitted(draft)
            case RunCancelRequested():
                _cancel_requested(draft, news)
            case AttemptSucceeded():
                _attempt_succeeded(draft, news)
            case AttemptFailed():
                _attempt_failed(draft, news)
    return draft.decision()


def launch_again(run: Run, task: TaskRecord, cluster: str) -> LaunchAttempt:
    """The command of a launched attempt once more, word for word."""
    draft = _Draft(run, cluster)
    return draft.launch_command(task, resolve_inputs(run, run.plan.tasks[task.name], draft.outputs))


class _Draft:
    """A decision in the making: reads through to the run, collects what changes."""

    def __init__(self, run: Run, cluster: str) -> None:
        self.run = run
        self.plan = run.plan
        self.run_id = run.submission.run_id
        self.cluster = cluster
        self.header = run.header
        self.changed: dict[str, TaskRecord] = {}
        self.commands: list[AttemptCommand] = []
        self.events: list[RunEvent | TaskEvent] = []
        self._met: Counter[str] = Counter()
        self._ended = 0

    def decision(self) -> Decision:
        return Decision(
            self.header, tuple(self.changed.values()), tuple(self.commands), tuple(self.events)
        )

    def task(self, name: str) -> TaskRecord:
        return self.changed.get(name) or self.run.tasks[name]

    def outputs(self, name: str) -> Outputs:
        return self.task(name).outputs

    def waits(self, name: str) -> bool:
        return self.run.waiting[name] > self._met[name]

    @property
    def open(self) -> int:
        return self.run.open - self._ended

    def put(self, task: TaskRecord) -> None:
        before = self.task(task.name)
        self.changed[task.name] = task
        if task.state.final and not before.state.final:
            self._ended += 1
        if task.state is TaskState.SUCCEEDED and before.state is not TaskState.SUCCEEDED:
            self._met.update(self.plan.tasks[task.name].dependents)

    def launch_command(self, task: TaskRecord, inputs: Inputs) -> LaunchAttempt:
        planned = self.plan.tasks[task.name]
        submission = self.run.submission
        return LaunchAttempt(
            cluster=self.cluster,
            run_id=self.run_id,
            task_id=task.task_id,
            attempt=task.attempt,
            namespace=submission.namespace,
            pipeline_name=self.plan.pipeline_name,
            run_display_name=submission.display_name,
            run_created_at=submission.submitted_at,
            pipeline_root=submission.pipeline_root or self.plan.default_pipeline_root,
            task_name=task.name,
            container=planned.container,
            input_definitions=planned.component.input_definitions,
            output_definitions=planned.component.output_definitions,
            inputs=inputs,
            timeout_seconds=planned.timeout_seconds,
        )


def _submitted(draft: _Draft) -> None:
    if draft.run.header.state is not RunState.PENDING:
        return
    draft.header = replace(draft.header, state=RunState.RUNNING)
    ids = {name: task.task_id for name, task in draft.run.tasks.items()}
    draft.events.append(
        RunStarted(
            run_id=draft.run_id,
            tasks=tuple(
                PlannedTask(
                    task_id=ids[name],
                    name=name,
                    display_name=planned.display_name,
                    path=planned.path,
                    dependencies=tuple(ids[upstream] for upstream in planned.dependencies),
                    component=planned.task.component_ref.name,
                    image=planned.container.image or None,
                )
                for name, planned in draft.plan.tasks.items()
            ),
        )
    )
    for name in draft.plan.tasks:
        if not draft.waits(name):
            _start(draft, name)
    _end_if_done(draft)


def _attempt_succeeded(draft: _Draft, news: AttemptSucceeded) -> None:
    task = _current(draft, news)
    if task is None:
        return
    draft.put(replace(task, state=TaskState.SUCCEEDED, outputs=news.outputs))
    draft.events.append(
        TaskSucceeded(
            run_id=draft.run_id,
            task_id=task.task_id,
            name=task.name,
            attempt=task.attempt,
            outputs=news.outputs,
        )
    )
    for dependent in draft.plan.tasks[task.name].dependents:
        if draft.task(dependent).state is TaskState.PENDING and not draft.waits(dependent):
            _start(draft, dependent)
    _end_if_done(draft)


def _attempt_failed(draft: _Draft, news: AttemptFailed) -> None:
    task = _current(draft, news)
    if task is None:
        return
    if draft.header.state is RunState.CANCELING:
        _cancel(draft, task)
    elif news.retryable and task.lost < MAX_LOST:
        _launch(draft, replace(task, lost=task.lost + 1))
    else:
        _fail(draft, task, news.failure)
    _end_if_done(draft)


def _cancel_requested(draft: _Draft, news: RunCancelRequested) -> None:
    if draft.header.state is RunState.CANCELING:
        return
    draft.header = replace(
        draft.header, state=RunState.CANCELING, cancel_reason=news.reason or "canceled"
    )
    for task in list(draft.run.tasks.values()):
        if task.state is TaskState.PENDING:
            _cancel(draft, task)
        elif not task.state.final:
            draft.commands.append(
                CancelAttempt(
                    cluster=draft.cluster,
                    run_id=draft.run_id,
                    task_id=task.task_id,
                    attempt=task.attempt,
                )
            )
    _end_if_done(draft)


def _current(draft: _Draft, news: AttemptSucceeded | AttemptFailed) -> TaskRecord | None:
    """The task that the news is about, if the attempt is the one that counts."""
    task = draft.run.find(news.task_id)
    if task is None or task.state is not TaskState.READY or task.attempt != news.attempt:
        return None
    return task


def _start(draft: _Draft, name: str) -> None:
    """Launch a task whose dependencies are met, unless the run is on its way to an end."""
    if draft.header.failure is None and draft.header.state is RunState.RUNNING:
        _launch(draft, draft.task(name))


def _launch(draft: _Draft, task: TaskRecord) -> None:
    try:
        inputs = resolve_inputs(draft.run, draft.plan.tasks[task.name], draft.outputs)
    except InputError as error:
        _fail(draft, task, Failure(code=FailureCode.INPUT_INVALID, message=str(error)))
        return
    launched = replace(task, state=TaskState.READY, attempt=task.attempt + 1)
    draft.put(launched)
    draft.events.append(
        TaskReady(
            run_id=draft.run_id,
            task_id=task.task_id,
            name=task.name,
            attempt=launched.attempt,
            inputs=inputs,
        )
    )
    draft.commands.append(draft.launch_command(launched, inputs))


def _fail(draft: _Draft, task: TaskRecord, failure: Failure) -> None:
    draft.put(replace(task, state=TaskState.FAILED, failure=failure))
    draft.events.append(
        TaskFailed(
            run_id=draft.run_id,
            task_id=task.task_id,
            name=task.name,
            attempt=task.attempt,
            failure=failure,
        )
    )
    if draft.header.failure is None:
        draft.header = replace(
            draft.header,
            failure=Failure(
                code=FailureCode.TASK_FAILED,
                message=f"task {task.name!r} failed: {failure.message}",
                task_name=task.name,
            ),
        )
    for other in list(draft.run.tasks):
        if draft.task(other).state is TaskState.PENDING:
            _skip(draft, draft.task(other), f"task {task.name!r} failed")


def _skip(draft: _Draft, task: TaskRecord, reason: str) -> None:
    draft.put(with_state(task, TaskState.SKIPPED))
    draft.events.append(
        TaskSkipped(
            run_id=draft.run_id,
            task_id=task.task_id,
            name=task.name,
            attempt=task.attempt,
            reason=reason,
        )
    )


def _cancel(draft: _Draft, task: TaskRecord) -> None:
    draft.put(with_state(task, TaskState.CANCELED))
    draft.events.append(
        TaskCanceled(
            run_id=draft.run_id, task_id=task.task_id, name=task.name, attempt=task.attempt
        )
    )


def _end_if_done(draft: _Draft) -> None:
    if draft.open or draft.header.state.final:
        return
    header = draft.header
    if header.state is RunState.CANCELING:
        draft.header = replace(header, state=RunState.CANCELED)
        draft.events.append(RunCanceled(run_id=draft.run_id, reason=header.cancel_reason or ""))
    elif header.failure is not None:
        draft.header = replace(header, state=RunState.FAILED)
        draft.events.append(RunFailed(run_id=draft.run_id, failure=header.failure))
    else:
        draft.header = RunHeader(RunState.SUCCEEDED)
        draft.events.append(RunSucceeded(run_id=draft.run_id, outputs=_outputs(draft)))


def _outputs(draft: _Draft) -> Outputs:
    """What the pipeline gives to the outside, from the tasks that made it."""
    parameters = {}
    for name, output in draft.plan.outputs.parameters.items():
        selector = output.value_from_parameter
        if selector is not None:
            made = draft.task(selector.producer_subtask).outputs.parameters
            if selector.output_parameter_key in made:
                parameters[name] = made[selector.output_parameter_key]
    artifacts: dict[str, tuple[Artifact, ...]] = {}
    for name, selected in draft.plan.outputs.artifacts.items():
        for source in selected.artifact_selectors:
            made_artifacts = draft.task(source.producer_subtask).outputs.artifacts
            artifacts[name] = made_artifacts.get(source.output_artifact_key, ())
    return Outputs(parameters=parameters, artifacts=artifacts)
