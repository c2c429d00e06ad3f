"""Runs: submitted, found, compared, and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.client.comparison import Comparison
from headrace.client.drive import Core
from headrace.client.operations.common import identity, new_key, pages
from headrace.client.packages import Source, fields_of
from headrace.client.resources import Run, Task
from headrace.client.wire import Answer, Pause, Request, Steps, given, part

_RETRY_LOOKS, _LOOK_SECONDS = 100, 0.1
"""What is asked for is seen a moment later; after ten seconds it is not waited for."""
_SOURCES = ("package", "pipeline_spec", "pipeline", "rerun")


def me(client: Core) -> Steps[dict[str, Any]]:
    """Who we are to the gateway: ``kind``, ``name``, ``roles`` by namespace, ``multi_user``."""
    return dict((yield Request("GET", "/me")).json())


def submit(
    client: Core,
    source: Source,
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    experiment: str | None = None,
    caching: bool | None = None,
    priority: int | None = None,
    deadline_seconds: float | None = None,
    continue_on_failure: bool = False,
    idempotency_key: str | None = None,
) -> Steps[Run]:
    """Submit a run.

    Args:
        source: A function with ``@dsl.pipeline`` or ``@dsl.component``, a path to a compiled
            package, its text, its IR, a `Pipeline` (its newest version) or a `PipelineVersion`; or
            the JSON of a submit request of the HTTP API, then without further arguments.
        parameters: Values of the pipeline's parameters; those left out have their defaults.
        name: The run's display name.
        description: What it is for.
        experiment: The experiment's name; made when it does not exist.
        caching: False runs every step, whatever is cached.
        priority: -1000 to 1000; higher goes first where something has to wait.
        deadline_seconds: How long it may take from its start.
        continue_on_failure: After a failure, run all that does not depend on it.
        idempotency_key: Repeats with the same key, also of another program, are one run.

    Raises:
        ClientError: it was refused; nothing was kept.
    """
    if isinstance(source, Mapping) and any(name in source for name in _SOURCES):
        request = dict(source)
        idempotency_key = request.get("idempotency_key") or idempotency_key
    else:
        request = {
            **fields_of(source),
            **given(
                parameters=None if parameters is None else dict(parameters),
                namespace=client.namespace,
                display_name=name,
                description=description,
                experiment=experiment,
                caching=caching,
                priority=priority,
                deadline_seconds=deadline_seconds,
                failure_strategy="CONTINUE" if continue_on_failure else None,
            ),
        }
    request.pop("idempotency_key", None)
    answer = yield Request("POST", "/runs", body=request, key=new_key(idempotency_key))
    return Run(answer.json(), client.url)


def rerun(
    client: Core,
    run: Run | str,
    tasks: Sequence[str] = (),
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Steps[Run]:
    """Run a run's spec again with the results of those of its tasks that succeeded; the tasks at
    `tasks` (paths such as ``root/train``) and all that depend on them run anew."""
    source = {"run_id": run["run_id"] if isinstance(run, Run) else run, "tasks": list(tasks)}
    request = {
        "rerun": source,
        **given(
            namespace=client.namespace,
            display_name=name,
            parameters=None if parameters is None else dict(parameters),
        ),
    }
    answer = yield Request("POST", "/runs", body=request, key=new_key(idempotency_key))
    return Run(answer.json(), client.url)


def run(client: Core, run_id: Run | str) -> Steps[Run]:
    """One run with its tasks, as it stands now."""
    answer = yield Request("GET", f"/runs/{identity(run_id, 'run_id')}")
    return Run(answer.json(), client.url)


def runs(
    client: Core,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    state: str | None = None,
    experiment_id: str | None = None,
    archived: bool | None = None,
) -> Steps[list[Run]]:
    """The newest runs, without their tasks.

    Args:
        count: How many at most; None is all.
        filter: The predicates of the HTTP API, as a mapping or as JSON.
        sort_by: For instance ``created_at desc`` or ``metric:accuracy desc``.
        state: Those in this state alone.
        experiment_id: Those of this experiment alone.
        archived: Those that are archived, or that are not.
    """
    found = yield from pages(
        "/runs",
        "runs",
        count,
        client.namespace,
        filter,
        sort_by,
        state=state,
        experiment_id=experiment_id,
        archived=None if archived is None else str(archived).lower(),
    )
    return [Run(one, client.url) for one in found]


def compare(client: Core, *runs: Run | str) -> Steps[Comparison]:
    """Runs side by side: parameters, metrics and outputs, and in what they differ."""
    found = []
    for one in runs:
        answer = yield Request("GET", f"/runs/{identity(one, 'run_id')}")
        found.append(Run(answer.json(), client.url))
    return Comparison(tuple(found))


def operate(client: Core, /, run_id: Run | str, operation: str, **options: Any) -> Steps[None]:
    """Do something with a run: ``cancel`` (option ``force``: its exit tasks too), ``pause``,
    ``resume``, ``retry``, ``archive`` or ``unarchive``.

    Raises:
        ClientError: the run is unknown, or in a state that does not allow it.
    """
    if operation == "retry":
        yield from retry(client, run_id)
    else:
        yield _operation(run_id, operation, **options)


def cancel(client: Core, run_id: Run | str, *, force: bool = False) -> Steps[None]:
    """Stop a run. Its exit tasks still run, unless it is by `force`."""
    yield _operation(run_id, "cancel", **({"force": "true"} if force else {}))


def retry(client: Core, run_id: Run | str) -> Steps[None]:
    """Let a failed or canceled run go on from what has succeeded. When this comes back, it does,
    so that `wait` waits for its next end."""
    before = yield from run(client, run_id)
    yield _operation(run_id, "retry")
    for _ in range(_RETRY_LOOKS):
        now = yield from run(client, run_id)
        if now["version"] != before["version"]:
            return
        yield Pause(_LOOK_SECONDS)


def pause(client: Core, run_id: Run | str) -> Steps[None]:
    """Start nothing new; what runs goes on."""
    yield _operation(run_id, "pause")


def resume(client: Core, run_id: Run | str) -> Steps[None]:
    """Go on after a pause."""
    yield _operation(run_id, "resume")


def archive(client: Core, run_id: Run | str) -> Steps[None]:
    """Put a run out of sight."""
    yield _operation(run_id, "archive")


def unarchive(client: Core, run_id: Run | str) -> Steps[None]:
    """Bring a run back into sight."""
    yield _operation(run_id, "unarchive")


def delete(client: Core, run_id: Run | str) -> Steps[None]:
    """Delete a run and all that it made; one that runs is stopped."""
    yield Request("DELETE", f"/runs/{identity(run_id, 'run_id')}")


def rerun_preview(
    client: Core, run_id: Run | str, tasks: Sequence[str] = ()
) -> Steps[dict[str, Any]]:
    """Which tasks a rerun from these would take over (``reuse``), and which it would run."""
    path = f"/runs/{identity(run_id, 'run_id')}/rerun-preview"
    return dict((yield Request("GET", path, {"task": list(tasks)})).json())


def events(client: Core, run_id: Run | str, after: int = 0) -> Steps[list[dict[str, Any]]]:
    """What happened to a run after the event with this ``seq``, in order."""
    found: list[dict[str, Any]] = []
    path = f"/runs/{identity(run_id, 'run_id')}/events"
    while True:
        answer = yield Request("GET", path, {"after": after, "limit": 1000})
        some = answer.json().get("events") or []
        found += some
        if len(some) < 1000:
            return found
        after = some[-1]["seq"]


def log(client: Core, run_id: Run | str, task_id: Task | str) -> Steps[bytes]:
    """A task's log as far as it is there."""
    path = f"/runs/{identity(run_id, 'run_id')}/tasks/{identity(task_id, 'task_id')}/log"
    body = b""
    while True:
        found: Answer = yield Request("GET", path, {"offset": len(body)})
        body += found.content
        if not found.content or len(body) >= int(found.headers.get("x-log-size", 0)):
            return body


def _operation(run_id: Run | str, operation: str, **options: Any) -> Request:
    """A repeat has no further effect, but of ``retry``: the run may have ended again meanwhile."""
    path = f"/runs/{identity(run_id, 'run_id')}/{part(operation)}"
    return Request("POST", path, options, repeatable=operation != "retry")
