"""Recurring runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.client.drive import Core
from headrace.client.operations.common import identity, new_key, pages
from headrace.client.packages import Source, fields_of
from headrace.client.resources import RecurringRun
from headrace.client.wire import Request, Steps, given

_PATH = "/recurring-runs"


def schedule(
    client: Core,
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
    """Submit runs by the clock.

    Args:
        name: Its display name.
        source: As for `submit`. Of a `Pipeline`, each run takes the version that is the newest
            then.
        parameters: Values; texts may hold KFP's macros, such as ``[[ScheduledTime]]``.
        cron: 5 fields, 6 with seconds first, or ``@daily``, ``@every 1h30m``; or:
        every_seconds: The interval.
        time_zone: The IANA name of the zone in which `cron` is read; without it UTC.
        start_at: The first slot, an aware datetime or RFC 3339.
        end_at: No slot is after it.
        experiment: The experiment's name; made when it does not exist.
        description: What it is for.
        enabled: Whether it starts at once.
        catch_up: Whether each missed slot is made up for, or the latest alone.
        max_concurrency: While so many of its runs are active, a due slot waits.
        caching: False runs every step, whatever is cached.
        idempotency_key: Repeats with the same key are one recurring run.

    Raises:
        ClientError: it was refused; nothing was made.
    """
    trigger = given(
        cron=cron,
        interval_seconds=every_seconds,
        time_zone=time_zone,
        start_at=_moment(start_at),
        end_at=_moment(end_at),
    )
    definition = {
        "display_name": name,
        "trigger": trigger,
        "enabled": enabled,
        **fields_of(source),
        **given(
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
    client: Core, definition: Mapping[str, Any], *, idempotency_key: str | None = None
) -> Steps[RecurringRun]:
    """Make a recurring run of its definition, as the HTTP API takes it."""
    request = Request("POST", _PATH, body=dict(definition), key=new_key(idempotency_key))
    return RecurringRun((yield request).json())


def recurring(client: Core, recurring_run: RecurringRun | str) -> Steps[RecurringRun]:
    """One recurring run."""
    return RecurringRun((yield Request("GET", _path(recurring_run))).json())


def recurring_runs(
    client: Core,
    count: int | None = 20,
    *,
    filter: str | Mapping[str, Any] | None = None,
    sort_by: str | None = None,
    experiment_id: str | None = None,
) -> Steps[list[RecurringRun]]:
    """The newest recurring runs; `count` None is all."""
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
    client: Core, recurring_run: RecurringRun | str, changes: Mapping[str, Any]
) -> Steps[RecurringRun]:
    """Change some fields of a recurring run; what is left out stays."""
    request = Request("PATCH", _path(recurring_run), body=dict(changes))
    return RecurringRun((yield request).json())


def switch_recurring(
    client: Core, recurring_run: RecurringRun | str, enabled: bool
) -> Steps[RecurringRun]:
    """Enable or disable a recurring run. What passes while it is disabled is not made up for."""
    word = "enable" if enabled else "disable"
    return RecurringRun((yield Request("POST", f"{_path(recurring_run)}/{word}")).json())


def delete_recurring(client: Core, recurring_run: RecurringRun | str) -> Steps[None]:
    """Delete a recurring run; its runs stay."""
    yield Request("DELETE", _path(recurring_run))


def next_moments(
    client: Core, recurring_run: RecurringRun | str, count: int = 5
) -> Steps[list[str]]:
    """The next slots of a recurring run, RFC 3339."""
    answer = yield Request("GET", f"{_path(recurring_run)}/next", {"count": count})
    return list(answer.json()["moments"])


def _path(recurring_run: RecurringRun | str) -> str:
    return f"{_PATH}/{identity(recurring_run, 'recurring_run_id')}"


def _moment(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment
