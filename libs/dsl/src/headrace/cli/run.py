"""``headrace run submit | list | get | logs | cancel``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.options import Context, Failed, common_options, say

if TYPE_CHECKING:
    from headrace.client import Client


@click.group()
def run() -> None:
    """Submit runs and look at them."""


@run.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE")
@click.option("--name", help="The run's display name.")
@click.option("--experiment", help="The experiment's name; made when it does not exist.")
@click.option("--idempotency-key", help="Repeats with the same key are one run.")
@click.option("--wait", is_flag=True, help="Show the run until it ends; exit 0 on SUCCEEDED only.")
@click.option("--timeout", type=float, help="With --wait: give up after so many seconds.")
@common_options
def submit(
    context: Context,
    package: Path,
    parameters: tuple[str, ...],
    name: str | None,
    experiment: str | None,
    idempotency_key: str | None,
    wait: bool,
    timeout: float | None,
) -> None:
    """Submit a compiled pipeline.

    A value is taken by the parameter's type: a text as it is, others as JSON; @FILE reads a file.
    """
    text = _read(package)
    request = {
        "package": text,
        "parameters": _values(text, parameters),
        "display_name": name,
        "experiment": experiment,
        "idempotency_key": idempotency_key,
    }
    with _client(context) as client:
        made = client.submit({key: value for key, value in request.items() if value is not None})
        if not wait:
            say(context, _summary(made), f"{made['run_id']}  {client.url}/runs/{made['run_id']}")
            return
        ended = _follow(context, client, made["run_id"], timeout)
    if context.json:
        say(context, _summary(ended), "")
    sys.exit(0 if ended["state"] == "SUCCEEDED" else 1)


@run.command("list")
@click.option("-n", "--count", default=20, show_default=True, type=click.IntRange(1, 200))
@common_options
def list_runs(context: Context, count: int) -> None:
    """List the newest runs."""
    with _client(context) as client:
        found = client.runs(count)
    lines = [f"{r['run_id']}  {r['state']:<9}  {r['display_name']}" for r in found]
    say(context, {"runs": [_summary(one) for one in found]}, "\n".join(lines) or "no runs yet")


@run.command()
@click.argument("run_id")
@common_options
def get(context: Context, run_id: str) -> None:
    """Show a run: its tasks, outputs, metrics and artifacts."""
    with _client(context) as client:
        found = client.run(run_id)
        if context.json:
            say(context, _summary(found), "")
        else:
            from headrace.cli.display import report

            report(found, client.url)


@run.command()
@click.argument("run_id")
@click.argument("task", required=False)
@common_options
def logs(context: Context, run_id: str, task: str | None) -> None:
    """Show the log of a task, or of all tasks of a run."""
    with _client(context) as client:
        tasks = [t for t in client.run(run_id)["tasks"] if task in (None, t["name"], t["task_id"])]
        if not tasks:
            raise Failed("NOT_FOUND", f"run {run_id} has no task {task!r}")
        found = {
            one["name"]: client.log(run_id, one["task_id"]).decode(errors="replace")
            for one in tasks
            if one["has_log"]
        }
    headed = [f"--- {name}\n{text}" if task is None else text for name, text in found.items()]
    say(context, {"run_id": run_id, "logs": found}, "\n".join(headed).rstrip("\n"))


@run.command()
@click.argument("run_id")
@common_options
def cancel(context: Context, run_id: str) -> None:
    """Stop a run."""
    with _client(context) as client:
        client.cancel(run_id)
    say(context, {"run_id": run_id, "state": "CANCELING"}, f"{run_id} is being stopped")


@contextmanager
def _client(context: Context) -> Iterator[Client]:
    """The client of the deployment; its errors become the command's."""
    from headrace.client import Client, ClientError

    url = context.host
    if url is None:
        try:
            url = json.loads((context.data / "connection.json").read_text())["gateway_url"]
        except (OSError, ValueError, KeyError):
            raise Failed(
                "UNREACHABLE",
                f"there is no deployment in {context.data}; start one with: headrace up",
            ) from None
    try:
        yield Client(url)
    except ClientError as error:
        raise Failed(error.code, error.message) from None
    except TimeoutError as error:
        raise Failed("TIMEOUT", str(error)) from None


def _follow(context: Context, client: Client, run_id: str, timeout: float | None) -> dict[str, Any]:
    try:
        if context.json:
            *_, last = client.watch(run_id, timeout)
            return last
        from headrace.cli.display import follow

        return follow(client.watch(run_id, timeout), client.url)
    except KeyboardInterrupt:
        raise Failed(
            "INTERRUPTED", f"the run goes on; look at it with: headrace run get {run_id}"
        ) from None


def _read(package: Path) -> str:
    try:
        return package.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed("NOT_FOUND", f"{package} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failed("MALFORMED", f"{package} is not a text file") from None


def _values(text: str, given: tuple[str, ...]) -> dict[str, Any]:
    types = _types(text) if given else {}
    values: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Failed("INVALID_PARAMETER", f"-p {pair}: expected NAME=VALUE")
        if value.startswith("@"):
            value = _read(Path(value[1:]))
        if types.get(name, "STRING") == "STRING":
            values[name] = value
            continue
        try:
            values[name] = json.loads(value)
        except ValueError:
            raise Failed(
                "INVALID_PARAMETER",
                f"parameter {name!r}: {value!r} is not JSON; its type is {types[name]}",
            ) from None
    return values


def _types(text: str) -> dict[str, str]:
    """The declared types of the pipeline's parameters; a package that cannot be read has none
    here, and is refused by the gateway with the reason."""
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        spec = next(iter(yaml.load_all(text, Loader=loader)))  # a safe loader
        declared = spec["root"]["inputDefinitions"]["parameters"]
        return {name: definition["parameterType"] for name, definition in declared.items()}
    except (yaml.YAMLError, KeyError, TypeError, StopIteration, AttributeError):
        return {}


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """A run as ``--json`` prints it."""
    return {
        "run_id": found["run_id"],
        "state": found["state"],
        "display_name": found["display_name"],
        "pipeline": found["pipeline"]["name"],
        "created_at": found["created_at"],
        "started_at": found.get("started_at"),
        "finished_at": found.get("finished_at"),
        "error": found.get("error"),
        "outputs": found["outputs"]["parameters"],
        "tasks": [
            {
                "name": task["name"],
                "task_id": task["task_id"],
                "state": task["state"],
                "attempt": task["attempt"],
                "outputs": task["outputs"]["parameters"],
                "artifacts": task["outputs"]["artifacts"],
                "error": task.get("error"),
            }
            for task in found.get("tasks") or []
        ],
    }
