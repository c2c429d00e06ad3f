"""``headrace recurring``: run pipelines on a schedule."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.connect import connected
from headrace.cli.errors import wrong_usage
from headrace.cli.options import Context, count_option, gateway_command
from headrace.cli.output import print_result
from headrace.cli.parameters import (
    execution_fields,
    execution_options,
    parameter_option,
    parse_parameters,
    read_package,
)

F = TypeVar("F", bound=Callable[..., Any])
_TRIGGER = ("cron", "time_zone", "interval_seconds", "start_at", "end_at")


@click.group()
def recurring() -> None:
    """Run pipelines on a schedule."""


def _trigger_options(*, with_defaults: bool) -> Callable[[F], F]:
    """The options of a schedule. Their help has the defaults of a new recurring run, or none."""

    def text(purpose: str, default: str) -> str:
        return f"{purpose} Default: {default}." if with_defaults else purpose

    options = (
        click.option(
            "--cron",
            metavar="CRON",
            help="Cron expression with 5 fields, 6 with seconds first, @daily and the like, "
            "or @every 1h30m.",
        ),
        click.option(
            "--time-zone",
            metavar="ZONE",
            help=text("Time zone of --cron, such as Europe/Berlin.", "UTC"),
        ),
        click.option(
            "--every",
            "interval_seconds",
            type=int,
            metavar="SECONDS",
            help="Interval, instead of --cron.",
        ),
        click.option(
            "--start", "start_at", metavar="TIME", help="No run before this time (RFC 3339)."
        ),
        click.option("--end", "end_at", metavar="TIME", help="No run after this time (RFC 3339)."),
        click.option(
            "--catch-up/--no-catch-up",
            default=None,
            help=text(
                "Submit a run for every missed time, or only for the latest one.", "--catch-up"
            ),
        ),
        click.option(
            "--max-concurrency",
            type=click.IntRange(1, 10),
            help=text("Maximum number of active runs.", "1"),
        ),
    )

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_pipeline_version_option = click.option(
    "--pipeline-version",
    metavar="NAME",
    help="Version of --pipeline. Default: the newest one at each scheduled time.",
)


@recurring.command()
@click.argument("name")
@click.argument("package", type=click.Path(path_type=Path), required=False)
@click.option("--pipeline", metavar="NAME", help="Stored pipeline, instead of PACKAGE.")
@_pipeline_version_option
@parameter_option()
@click.option("--description", help="Description of the recurring run.")
@click.option("--experiment", metavar="NAME", help="Experiment; created if it does not exist.")
@click.option("--disabled", is_flag=True, help="Create it disabled.")
@_trigger_options(with_defaults=True)
@execution_options
@gateway_command
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
    """Create a recurring run of PACKAGE, or of a stored pipeline.

    PACKAGE is a compiled pipeline, or a Python file, which is compiled. Values of -p may contain
    macros, such as [[ScheduledTime.2006-01-02]] and [[Index]]. With --pipeline, a value that is
    valid JSON is passed as JSON, any other as a string.
    """
    if package is None and pipeline is None:
        raise wrong_usage("Pass a PACKAGE or --pipeline.")
    source = _source(package, pipeline, pipeline_version)
    definition = {
        "display_name": name,
        **source,
        "parameters": _parameters(source.get("package", ""), parameters),
        "description": description,
        "experiment": experiment,
        "enabled": not disabled,
        "trigger": _trigger(options),
        **_given(options, ("catch_up", "max_concurrency")),
        **execution_fields(priority, deadline, no_cache, continue_on_failure),
    }
    with connected(context) as client:
        made = client.create_recurring({k: v for k, v in definition.items() if v is not None})
    print_result(
        context, made, f"{made['recurring_run_id']}  next {made.get('next_at') or 'never'}"
    )


@recurring.command("list")
@count_option(most=200)
@gateway_command
def list_recurring(context: Context, count: int) -> None:
    """List the newest recurring runs."""
    with connected(context) as client:
        found = client.recurring_runs(count)
    lines = [_line(one) for one in found]
    print_result(context, {"recurring_runs": found}, "\n".join(lines) or "no recurring runs")


@recurring.command()
@click.argument("recurring_run_id")
@gateway_command
def get(context: Context, recurring_run_id: str) -> None:
    """Show a recurring run."""
    with connected(context) as client:
        found = client.recurring(recurring_run_id)
    lines = [_line(found), f"runs submitted: {found['fired']}"]
    if found.get("last_run_id"):
        lines.append(f"last run: {found['last_run_id']}")
    if found.get("last_error"):
        lines.append(f"last error: {found['last_error']['rejection']['message']}")
    print_result(context, found, "\n".join(lines))


@recurring.command()
@click.argument("recurring_run_id")
@click.option("--name", "display_name", help="New display name.")
@click.option("--description", help="New description.")
@click.option("--package", type=click.Path(path_type=Path), help="New compiled pipeline.")
@click.option("--pipeline", metavar="NAME", help="Stored pipeline, instead of --package.")
@_pipeline_version_option
@parameter_option()
@_trigger_options(with_defaults=False)
@gateway_command
def edit(
    context: Context,
    recurring_run_id: str,
    package: Path | None,
    pipeline: str | None,
    pipeline_version: str | None,
    parameters: tuple[str, ...],
    **options: Any,
) -> None:
    """Change the given properties of a recurring run.

    A new schedule takes effect from now on. Parameters that are not given keep their values.
    """
    names = ("display_name", "description", "catch_up", "max_concurrency")
    source = _source(package, pipeline, pipeline_version)
    changes = {**_given(options, names), **source}
    if not (changes or parameters or _given(options, _TRIGGER)):
        raise wrong_usage("Nothing to change: pass at least one option.")
    with connected(context) as client:
        if _given(options, _TRIGGER) or parameters:
            before = client.recurring(recurring_run_id)
        if _given(options, _TRIGGER):
            changes["trigger"] = _merged_trigger(before["trigger"], options)
        if parameters:
            known = (before.get("pipeline_spec") or {}).get("pipeline_spec")
            stored = "" if known is None or pipeline else json.dumps(known)
            spec = source.get("package", stored)
            changes["parameters"] = {**before["parameters"], **_parameters(spec, parameters)}
        found = client.edit_recurring(recurring_run_id, changes)
    print_result(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@gateway_command
def enable(context: Context, recurring_run_id: str) -> None:
    """Enable a recurring run. Slots missed while it was disabled are skipped."""
    with connected(context) as client:
        found = client.switch_recurring(recurring_run_id, True)
    print_result(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@gateway_command
def disable(context: Context, recurring_run_id: str) -> None:
    """Disable a recurring run: it submits nothing until it is enabled."""
    with connected(context) as client:
        found = client.switch_recurring(recurring_run_id, False)
    print_result(context, found, _line(found))


@recurring.command()
@click.argument("recurring_run_id")
@gateway_command
def delete(context: Context, recurring_run_id: str) -> None:
    """Delete a recurring run. Its runs stay."""
    with connected(context) as client:
        client.delete_recurring(recurring_run_id)
    result = {"recurring_run_id": recurring_run_id, "deleted": True}
    print_result(context, result, f"deleted {recurring_run_id}")


@recurring.command("next")
@click.argument("recurring_run_id")
@count_option(5, most=100, help="Number of times to show.")
@gateway_command
def next_times(context: Context, recurring_run_id: str, count: int) -> None:
    """Show the next scheduled times of a recurring run."""
    with connected(context) as client:
        times = client.next_moments(recurring_run_id, count)
    print_result(context, {"moments": times}, "\n".join(times) or "no further times")


def _given(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: options[name] for name in names if options.get(name) is not None}


def _trigger(options: dict[str, Any]) -> dict[str, Any]:
    given = _given(options, _TRIGGER)
    if ("cron" in given) == ("interval_seconds" in given):
        raise wrong_usage("Pass either --cron or --every.")
    return given


def _merged_trigger(before: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The old trigger with the given changes; a cron replaces an interval, and vice versa."""
    given = _given(options, _TRIGGER)
    rules = {"cron", "interval_seconds"}
    old = {k: v for k, v in before.items() if not (k in rules and rules & given.keys())}
    merged = {**old, **given}
    return _trigger(merged)


def _source(package: Path | None, pipeline: str | None, version: str | None) -> dict[str, Any]:
    if package is not None and pipeline is not None:
        raise wrong_usage("Pass either a package or --pipeline, not both.")
    if version is not None and pipeline is None:
        raise wrong_usage("--pipeline-version requires --pipeline.")
    if package is not None:
        return {"package": read_package(package)}
    if pipeline is not None:
        return {"pipeline": {"name": pipeline, "version": version}}
    return {}


def _parameters(spec: str, given: tuple[str, ...]) -> dict[str, Any]:
    """Parameters parsed by the types in the spec; without a spec, valid JSON is read as JSON."""
    values = parse_parameters(spec, given)
    return values if spec else {name: _json_or_string(value) for name, value in values.items()}


def _json_or_string(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _line(found: Mapping[str, Any]) -> str:
    trigger = found["trigger"]
    when = trigger.get("cron") or f"every {trigger['interval_seconds']} s"
    state = f"next {found.get('next_at') or 'never'}" if found["enabled"] else "disabled"
    return f"{found['recurring_run_id']}  {state}  {when}  {found['display_name']}"
