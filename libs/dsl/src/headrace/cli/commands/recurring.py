"""``headrace recurring``: runs that are submitted by the clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.common import (
    connected,
    execution_fields,
    execution_options,
    read_package,
    values_of,
)
from headrace.cli.options import Context, Failed, common_options, say

F = TypeVar("F", bound=Callable[..., Any])
_TRIGGER = ("cron", "time_zone", "interval_seconds", "start_at", "end_at")


@click.group()
def recurring() -> None:
    """Submit runs by the clock."""


def _trigger_options(command: F) -> F:
    for option in reversed(
        (
            click.option("--cron", help="5 fields, 6 with seconds, or @daily, @every 1h30m, ..."),
            click.option("--time-zone", help="The cron's time zone, such as Europe/Berlin."),
            click.option("--every", "interval_seconds", type=int, metavar="SECONDS"),
            click.option("--start", "start_at", metavar="TIME", help="RFC 3339; the first slot."),
            click.option("--end", "end_at", metavar="TIME", help="RFC 3339; none after it."),
            click.option("--catch-up/--no-catch-up", default=None, help="Make up for each missed "
                         "slot, or the latest alone."),
            click.option("--max-concurrency", type=click.IntRange(1, 10)),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@recurring.command()
@click.argument("name")
@click.argument("package", type=click.Path(path_type=Path), required=False)
@click.option("--pipeline", help="A stored pipeline's name, instead of a package.")
@click.option("--pipeline-version", help="Its version; without it, the newest at each slot.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE")
@click.option("--description")
@click.option("--experiment", help="The experiment's name; made when it does not exist.")
@click.option("--disabled", is_flag=True, help="Make it, but do not start it yet.")
@_trigger_options
@execution_options
@common_options
def create(
    context: Context,
    name: str,
    package: Path | None,
    pipeline: str | None,
    pipeline_version: str | None,
    parameters: tuple[str, ...],
    description: str | None,
    experiment: str | None,
    disabled: bool,
    priority: int,
    deadline: float | None,
    no_cache: bool,
    continue_on_failure: bool,
    **options: Any,
) -> None:
    """Make a recurring run of a compiled pipeline, or of a stored one.

    Values of -p may hold macros, such as [[ScheduledTime.2006-01-02]] and [[Index]]. A stored
    pipeline's parameters are read as JSON where they are JSON, else as texts.
    """
    definition = {
        "display_name": name,
        **_source(package, pipeline, pipeline_version),
        "parameters": _parameters(_text(package), parameters),
        "description": description,
        "experiment": experiment,
        "enabled": not disabled,
        "trigger": _trigger(options),
        **_given(options, ("catch_up", "max_concurrency")),
        **execution_fields(priority, deadline, no_cache, continue_on_failure),
    }
    with connected(context) as client:
        made = client.create_recurring({k: v for k, v in definition.items() if v is not None})
    say(context, made, f"{made['recurring_run_id']}  next {made.get('next_at') or 'never'}")


@recurring.command("list")
@click.option("-n", "--count", default=20, show_default=True, type=click.IntRange(1, 200))
@common_options
def list_recurring(context: Context, count: int) -> None:
    """List the newest recurring runs."""
    with connected(context) as client:
        found = client.recurring_runs(count)
    lines = [_line(one) for one in found]
    say(context, {"recurring_runs": found}, "\n".join(lines) or "no recurring runs yet")


@recurring.command()
@click.argument("recurring_run_id")
@common_options
def get(context: Context, recurring_run_id: str) -> None:
    """Show a recurring run."""
    with connected(context) as client:
        found = client.recurring(recurring_run_id)
    lines = [_line(found), f"runs submitted: {found['fired']}"]
    if found.get("last_run_id"):
        lines.append(f"last run: {found['last_run_id']}")
    if found.get("last_error"):
        lines.append(f"last error: {found['last_error']['rejection']['message']}")
    say(context, found, "\n".join(lines))


@recurring.command()
@click.argument("recurring_run_id")
@click.option("--name", "display_name")
@click.option("--description")
@click.option("--package", type=click.Path(path_type=Path))
@click.option("--pipeline", help="A stored pipeline's name.")
@click.option("--pipeline-version", help="Its version; without it, the newest at each slot.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE")
@_trigger_options
@common_options
def edit(
    context: Context,
    recurring_run_id: str,
    package: Path | None,
    pipeline: str | None,
    pipeline_version: str | None,
    parameters: tuple[str, ...],
    **options: Any,
) -> None:
    """Change a recurring run in place; what is not given stays.

    A new trigger counts from now on. Parameters are changed one by one.
    """
    names = ("display_name", "description", "catch_up", "max_concurrency")
    changes = {**_given(options, names), **_source(package, pipeline, pipeline_version)}
    with connected(context) as client:
        if _given(options, _TRIGGER) or parameters:
            before = client.recurring(recurring_run_id)
        if _given(options, _TRIGGER):
            changes["trigger"] = _merged_trigger(before["trigger"], options)
        if parameters:
            known = (before.get("pipeline_spec") or {}).get("pipeline_spec")
            spec = _text(package) or ("" if known is None or pipeline else json.dumps(known))
            changes["parameters"] = {**before["parameters"], **_parameters(spec, parameters)}
        if not changes:
            raise Failed("MALFORMED", "nothing to change was given")
        found = client.edit_recurring(recurring_run_id, changes)
    say(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@common_options
def enable(context: Context, recurring_run_id: str) -> None:
    """Let it go on. What passed while it was disabled is not made up for."""
    with connected(context) as client:
        found = client.switch_recurring(recurring_run_id, True)
    say(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@common_options
def disable(context: Context, recurring_run_id: str) -> None:
    """Let it submit nothing until it is enabled."""
    with connected(context) as client:
        found = client.switch_recurring(recurring_run_id, False)
    say(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@common_options
def delete(context: Context, recurring_run_id: str) -> None:
    """Delete it; its runs stay."""
    with connected(context) as client:
        client.delete_recurring(recurring_run_id)
    answer = {"recurring_run_id": recurring_run_id, "deleted": True}
    say(context, answer, f"{recurring_run_id} is deleted")


@recurring.command("next")
@click.argument("recurring_run_id")
@click.option("-n", "--count", default=5, show_default=True, type=click.IntRange(1, 100))
@common_options
def next_moments(context: Context, recurring_run_id: str, count: int) -> None:
    """Show its next moments."""
    with connected(context) as client:
        moments = client.next_moments(recurring_run_id, count)
    say(context, {"moments": moments}, "\n".join(moments) or "there is no further one")


def _given(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: options[name] for name in names if options.get(name) is not None}


def _trigger(options: dict[str, Any]) -> dict[str, Any]:
    given = _given(options, _TRIGGER)
    if ("cron" in given) == ("interval_seconds" in given):
        raise Failed("MALFORMED", "give one of --cron and --every")
    return given


def _merged_trigger(before: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The old trigger with what was given; a cron takes the place of an interval."""
    given = _given(options, _TRIGGER)
    kinds = {"cron", "interval_seconds"}
    kept = {k: v for k, v in before.items() if not (k in kinds and kinds & given.keys())}
    merged = {**kept, **given}
    return _trigger(merged)


def _source(package: Path | None, pipeline: str | None, version: str | None) -> dict[str, Any]:
    if package is not None and pipeline is not None:
        raise Failed("MALFORMED", "give a package or --pipeline, not both")
    if package is not None:
        return {"package": read_package(package)}
    if pipeline is not None:
        return {"pipeline": {"name": pipeline, "version": version}}
    return {}


def _parameters(spec: str, given: tuple[str, ...]) -> dict[str, Any]:
    """By the types in the spec's text; without one, what is JSON is read as JSON."""
    values = values_of(spec, given)
    return values if spec else {name: _json_or_text(value) for name, value in values.items()}


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _text(package: Path | None) -> str:
    return "" if package is None else read_package(package)


def _line(found: Mapping[str, Any]) -> str:
    trigger = found["trigger"]
    when = trigger.get("cron") or f"every {trigger['interval_seconds']} s"
    state = f"next {found.get('next_at') or 'never'}" if found["enabled"] else "disabled"
    return f"{found['recurring_run_id']}  {state}  {when}  {found['display_name']}"
