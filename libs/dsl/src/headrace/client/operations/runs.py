"""Operations on runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.client.comparison import Comparison
from headrace.client.operations.common import id_segment, new_key, pages
from headrace.client.packages import Source, fields_of
from headrace.client.resources import Run, Task
from headrace.client.transport.base import BaseClient
from headrace.client.transport.requests import (
    Request,
    Response,
    Sleep,
    Steps,
    path_segment,
    without_none,
)

_RETRY_POLLS, _POLL_SECONDS = 100, 0.1
"""A retry is visible shortly after it was accepted; after 10 s the client stops waiting for it."""
_EVENTS_PAGE_SIZE = 1000
_SOURCES = ("package", "pipeline_spec", "pipeline", "rerun")


def me(client: BaseClient) -> Steps[dict[str, Any]]:
    """Get the caller's identity: ``kind``, ``name``, ``roles`` by namespace, ``multi_user``."""
    return dict((yield Request("GET", "/me")).json())


def submit(
    client: BaseClient,
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
        source: A function with ``@dsl.pipeline`` or ``@dsl.component``, the path of a compiled
            package, its text, its IR as a mapping, a `Pipeline` (its newest version) or a
            `PipelineVersion`; or a request body of the HTTP API, then without other arguments.
        parameters: Input parameters by name; others keep their defaults.
        name: The run's display name.
        description: What it is for.
        experiment: The experiment's name. It is created if it does not exist.
        caching: False runs every step even if its outputs are cached.
        priority: -1000 to 1000. Tasks of higher priority start first when slots are scarce.
        deadline_seconds: Seconds from its start after which the run is stopped and fails.
        continue_on_failure: After a failure, run all tasks that do not depend on the failed one.
        idempotency_key: Requests with the same key, also from other programs, create one run.

    Raises:
        ClientError: the request was rejected; nothing was created.
    """
    if isinstance(source, Mapping) and any(name in source for name in _SOURCES):
        request = dict(source)
        idempotency_key = request.get("idempotency_key") or idempotency_key
    else:
        request = {
            **fields_of(source),
            **without_none(
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
    response = yield Request("POST", "/runs", body=request, key=new_key(idempotency_key))
    return Run(response.json(), client.url)


def rerun(
    client: BaseClient,
    run: Run | str,
    tasks: Sequence[str] = (),
    *,
    name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Steps[Run]:
    """Submit a new run of a run's spec that reuses the results of its succeeded tasks. The tasks
    at `tasks` (paths such as ``root/train``) and all that depend on them run again."""
    source = {"run_id": run["run_id"] if isinstance(run, Run) else run, "tasks": list(tasks)}
    request = {
        "rerun": source,
        **without_none(
            namespace=client.namespace,
            display_name=name,
            parameters=None if parameters is None else dict(parameters),
        ),
    }
    response = yield Request("POST", "/runs", body=request, key=new_key(idempotency_key))
    return Run(response.json(), client.url)


def run(client: BaseClient, run_id: Run | str) -> Steps[Run]:
    """Get a run with its tasks."""
    response = yield Request("GET", f"/runs/{id_segment(run_id, 'run_id')}")
    return Run(response.json(), client.url)


def runs(
    client: BaseClient,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    state: str | None = None,
    experiment_id: str | None = None,
    archived: bool | None = None,
) -> Steps[list[Run]]:
    """List the newest runs, without their tasks.

    Args:
        count: The maximum number; None lists all.
        filter: Predicates as in the HTTP API, as a mapping or JSON.
        sort_by: Such as ``created_at desc`` or ``metric:accuracy desc``.
        state: Only runs in this state.
        experiment_id: Only runs of this experiment.
        archived: True for archived runs only, False for others only. Default: both.
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


def compare(client: BaseClient, *runs: Run | str) -> Steps[Comparison]:
    """Compare the parameters, metrics and outputs of runs."""
    found = []
    for one in runs:
        response = yield Request("GET", f"/runs/{id_segment(one, 'run_id')}")
        found.append(Run(response.json(), client.url))
    return Comparison(tuple(found))


def operate(
    client: BaseClient, /, run_id: Run | str, operation: str, **options: Any
) -> Steps[None]:
    """Apply an operation to a run: ``cancel`` (option ``force``: stop exit tasks too), ``pause``,
    ``resume``, ``retry``, ``archive`` or ``unarchive``.

    Raises:
        ClientError: the run was not found, or its state does not allow the operation.
    """
    if operation == "retry":
        yield from retry(client, run_id)
    else:
        yield _operation(run_id, operation, **options)


def cancel(client: BaseClient, run_id: Run | str, *, force: bool = False) -> Steps[None]:
    """Cancel a run. Its exit tasks still run, unless `force` is True."""
    yield _operation(run_id, "cancel", **({"force": "true"} if force else {}))


def retry(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Retry a failed or canceled run, keeping tasks that succeeded. Returns when the run has
    resumed, so that a following `wait` waits until it ends again."""
    before = yield from run(client, run_id)
    yield _operation(run_id, "retry")
    for _ in range(_RETRY_POLLS):
        now = yield from run(client, run_id)
        if now["version"] != before["version"]:
            return
        yield Sleep(_POLL_SECONDS)


def pause(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Pause a run: running tasks finish, no new tasks start."""
    yield _operation(run_id, "pause")


def resume(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Resume a paused run."""
    yield _operation(run_id, "resume")


def archive(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Archive a run, so that lists can exclude it (``archived=False``)."""
    yield _operation(run_id, "archive")


def unarchive(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Restore an archived run."""
    yield _operation(run_id, "unarchive")


def delete(client: BaseClient, run_id: Run | str) -> Steps[None]:
    """Delete a run with its artifacts and logs. If it is running, it is stopped first."""
    yield Request("DELETE", f"/runs/{id_segment(run_id, 'run_id')}")


def rerun_preview(
    client: BaseClient, run_id: Run | str, tasks: Sequence[str] = ()
) -> Steps[dict[str, Any]]:
    """Preview a rerun from `tasks`: the tasks it would ``reuse``, and those it would ``run``."""
    path = f"/runs/{id_segment(run_id, 'run_id')}/rerun-preview"
    return dict((yield Request("GET", path, {"task": list(tasks)})).json())


def events(client: BaseClient, run_id: Run | str, after: int = 0) -> Steps[list[dict[str, Any]]]:
    """List a run's events after the one with ``seq`` `after`, in order."""
    found: list[dict[str, Any]] = []
    path = f"/runs/{id_segment(run_id, 'run_id')}/events"
    while True:
        response = yield Request("GET", path, {"after": after, "limit": _EVENTS_PAGE_SIZE})
        page = response.json().get("events") or []
        found += page
        if len(page) < _EVENTS_PAGE_SIZE:
            return found
        after = page[-1]["seq"]


def log(client: BaseClient, run_id: Run | str, task_id: Task | str) -> Steps[bytes]:
    """Read a task's log as far as it is written."""
    path = f"/runs/{id_segment(run_id, 'run_id')}/tasks/{id_segment(task_id, 'task_id')}/log"
    body = b""
    while True:
        found: Response = yield Request("GET", path, {"offset": len(body)})
        body += found.content
        if not found.content or len(body) >= int(found.headers.get("x-log-size", 0)):
            return body


def _operation(run_id: Run | str, operation: str, **options: Any) -> Request:
    """All but ``retry`` are idempotent: since a first ``retry``, the run may have failed again."""
    path = f"/runs/{id_segment(run_id, 'run_id')}/{path_segment(operation)}"
    return Request("POST", path, options, repeatable=operation != "retry")
