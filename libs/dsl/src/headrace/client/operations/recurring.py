"""Operations on recurring runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.client.operations.common import id_segment, new_key, pages
from headrace.client.packages import Source, fields_of
from headrace.client.resources import RecurringRun
from headrace.client.transport.base import BaseClient
from headrace.client.transport.requests import Request, Steps, without_none

_PATH = "/recurring-runs"


def schedule(
    client: BaseClient,
    name: str,
    source: Source,
    parameters: Mapping[str, Any] | None = None,
    *,
    cron: str | None = None,
    every_seconds: int | None = None,
    time_zone: str | None = None,
    start_at: datetime | str | None = None,
    end_at: datetime | str | None = None,
    experiment: str | None = None,
    description: str | None = None,
    enabled: bool = True,
    catch_up: bool | None = None,
    max_concurrency: int | None = None,
    caching: bool | None = None,
    idempotency_key: str | None = None,
) -> Steps[RecurringRun]:
    """Run a pipeline on a schedule. Pass `cron` or `every_seconds`.

    Args:
        name: The recurring run's display name.
        source: As for `submit`. For a `Pipeline`, each run uses the newest version at its slot.
        parameters: Input parameters by name. Strings may contain KFP's macros, such as
            ``[[ScheduledTime]]``.
        cron: 5 fields, 6 with seconds first, ``@daily`` and the like, or ``@every 1h30m``.
        every_seconds: The interval in seconds.
        time_zone: The IANA time zone of `cron`. Default: UTC.
        start_at: No slot before this time, an aware datetime or RFC 3339.
        end_at: No slot after this time.
        experiment: The experiment's name. It is created if it does not exist.
        description: What it is for.
        enabled: Whether it submits runs from now on.
        catch_up: True runs every missed slot, False only the latest one.
        max_concurrency: The maximum number of its active runs; further slots wait.
        caching: False runs every step even if its outputs are cached.
        idempotency_key: Requests with the same key create one recurring run.

    Raises:
        ClientError: the request was rejected; nothing was created.
    """
    trigger = without_none(
        cron=cron,
        interval_seconds=every_seconds,
        time_zone=time_zone,
        start_at=_time_text(start_at),
        end_at=_time_text(end_at),
    )
    definition = {
        "display_name": name,
        "trigger": trigger,
        "enabled": enabled,
        **fields_of(source),
        **without_none(
            namespace=client.namespace,
            parameters=None if parameters is None else dict(parameters),
            experiment=experiment,
            description=description,
            catch_up=catch_up,
            max_concurrency=max_concurrency,
            caching=caching,
        ),
    }
    return (yield from create_recurring(client, definition, idempotency_key=idempotency_key))


def create_recurring(
    client: BaseClient, definition: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Steps[RecurringRun]:
    """Create a recurring run from a request body of the HTTP API."""
    request = Request("POST", _PATH, body=dict(definition), key=new_key(idempotency_key))
    return RecurringRun((yield request).json())


def recurring(client: BaseClient, recurring_run: RecurringRun | str) -> Steps[RecurringRun]:
    """Get a recurring run."""
    return RecurringRun((yield Request("GET", _path(recurring_run))).json())


def recurring_runs(
    client: BaseClient,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    experiment_id: str | None = None,
) -> Steps[list[RecurringRun]]:
    """List the newest recurring runs. `count` None lists all."""
    found = yield from pages(
        _PATH,
        "recurring_runs",
        count,
        client.namespace,
        filter,
        sort_by,
        experiment_id=experiment_id,
    )
    return [RecurringRun(one) for one in found]


def edit_recurring(
    client: BaseClient, recurring_run: RecurringRun | str, changes: Mapping[str, Any]
) -> Steps[RecurringRun]:
    """Change the given fields of a recurring run."""
    request = Request("PATCH", _path(recurring_run), body=dict(changes))
    return RecurringRun((yield request).json())


def switch_recurring(
    client: BaseClient, recurring_run: RecurringRun | str, enabled: bool
) -> Steps[RecurringRun]:
    """Enable or disable a recurring run. Slots that pass while it is disabled are skipped."""
    operation = "enable" if enabled else "disable"
    return RecurringRun((yield Request("POST", f"{_path(recurring_run)}/{operation}")).json())


def delete_recurring(client: BaseClient, recurring_run: RecurringRun | str) -> Steps[None]:
    """Delete a recurring run. Its runs stay."""
    yield Request("DELETE", _path(recurring_run))


def next_moments(
    client: BaseClient, recurring_run: RecurringRun | str, count: int = 5
) -> Steps[list[str]]:
    """List the next scheduled times of a recurring run, as RFC 3339."""
    response = yield Request("GET", f"{_path(recurring_run)}/next", {"count": count})
    return list(response.json()["moments"])


def _path(recurring_run: RecurringRun | str) -> str:
    return f"{_PATH}/{id_segment(recurring_run, 'recurring_run_id')}"


def _time_text(time: datetime | str | None) -> str | None:
    return time.isoformat() if isinstance(time, datetime) else time
