"""``headrace pipeline`` and ``headrace experiment``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.common import connected
from headrace.cli.completion import experiment_names, pipeline_names
from headrace.cli.options import Context, Failed, common_options, say

if TYPE_CHECKING:
    from headrace.client import Client, Pipeline, PipelineVersion

_COUNT = click.IntRange(1, 10_000)


@click.group()
def pipeline() -> None:
    """Store pipelines and their versions. A pipeline is given by its name or id."""


@pipeline.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--name", help="Its name; without it the file's.")
@click.option(
    "--version-of", "of", help="A version of this pipeline.", shell_complete=pipeline_names
)
@click.option("--description")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE")
@common_options
def upload(
    context: Context,
    package: Path,
    name: str | None,
    of: str | None,
    description: str | None,
    tags: tuple[str, ...],
) -> None:
    """Store a compiled pipeline, or a Python file, which is compiled first."""
    source: Any = package
    if package.suffix == ".py":
        from headrace.cli.sources import compile_file

        source, name = compile_file(package), name or package.stem
    pairs = [tag.partition("=") for tag in tags]
    if any(not key or not equals for key, equals, _ in pairs):
        raise Failed("INVALID_PARAMETER", "--tag: expected KEY=VALUE")
    options = {"description": description, "tags": {k: v for k, _, v in pairs} or None}
    made: Pipeline | PipelineVersion
    with connected(context) as client:
        if of is not None:
            made = client.upload_version(of, source, name, **options)  # type: ignore[arg-type]
        else:
            made = client.upload_pipeline(source, name, **options)  # type: ignore[arg-type]
    identity = made.get("pipeline_version_id") or made["pipeline_id"]
    say(context, made, f"{identity}  {made['name']}")


@pipeline.command("list")
@click.option("-n", "--count", default=20, show_default=True, type=_COUNT)
@common_options
def list_pipelines(context: Context, count: int) -> None:
    """List the newest pipelines."""
    with connected(context) as client:
        found = client.pipelines(count)
    lines = [f"{one.pipeline_id}  {one.name}" for one in found]
    say(context, {"pipelines": found}, "\n".join(lines) or "no pipelines yet")


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@click.option("--version", help="A version of it, with its spec.")
@common_options
def get(context: Context, name: str, version: str | None) -> None:
    """Show a pipeline, or a version of it as it can be submitted."""
    with connected(context) as client:
        if version is not None:
            found = client.version(name, version)
            say(context, found, "" if context.json else _document(found))
            return
        known = client.pipeline(name)
        some = client.versions(known, 5)
    lines = [
        f"{known.pipeline_id}  {known.name}",
        *([known["description"]] if known["description"] else []),
        *(f"{key} = {value}" for key, value in known["tags"].items()),
        *(_version_line(one) for one in some),
    ]
    say(context, known, "\n".join(lines))


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@click.option("-n", "--count", default=20, show_default=True, type=_COUNT)
@common_options
def versions(context: Context, name: str, count: int) -> None:
    """List the newest versions of a pipeline."""
    with connected(context) as client:
        found = client.versions(name, count)
    lines = [_version_line(one) for one in found]
    say(context, {"pipeline_versions": found}, "\n".join(lines) or "it has no versions")


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@click.option("--version", help="This version alone.")
@click.option("--cascade", is_flag=True, help="Its versions too.")
@common_options
def delete(context: Context, name: str, version: str | None, cascade: bool) -> None:
    """Delete a pipeline, or a version of it. Its runs stay."""
    with connected(context) as client:
        if version is not None:
            client.delete_version(name, version)
        else:
            client.delete_pipeline(name, cascade=cascade)
    what = name if version is None else f"{name} {version}"
    answer = {"pipeline": name, "version": version, "deleted": True}
    say(context, answer, f"{what} is deleted")


@click.group()
def experiment() -> None:
    """Group runs. An experiment is given by its name or id."""


@experiment.command()
@click.argument("name")
@click.option("--description")
@common_options
def create(context: Context, name: str, description: str | None) -> None:
    """Make an experiment."""
    with connected(context) as client:
        made = client.create_experiment(name, description)
    say(context, made, f"{made.experiment_id}  {made.display_name}")


@experiment.command("list")
@click.option("-n", "--count", default=20, show_default=True, type=_COUNT)
@common_options
def list_experiments(context: Context, count: int) -> None:
    """List the newest experiments."""
    with connected(context) as client:
        found = client.experiments(count)
    lines = [f"{one.experiment_id}  {one.display_name}" for one in found]
    say(context, {"experiments": found}, "\n".join(lines) or "no experiments yet")


@experiment.command("get")
@click.argument("name", metavar="EXPERIMENT", shell_complete=experiment_names)
@click.option("-n", "--count", default=10, show_default=True, type=_COUNT, help="Of its runs.")
@common_options
def get_experiment(context: Context, name: str, count: int) -> None:
    """Show an experiment and its newest runs."""
    with connected(context) as client:
        known = client.experiment(name)
        runs = [] if context.json else client.runs(count, experiment_id=known.experiment_id)
    lines = [
        f"{known.experiment_id}  {known.display_name}",
        *(f"  {run.run_id}  {run.state:<9}  {run.display_name}" for run in runs),
    ]
    say(context, known, "\n".join(lines))


def _experiment_operation(operation: str, words: str, said: str) -> click.Command:
    @common_options
    def operate(context: Context, name: str) -> None:
        with connected(context) as client:
            _operate_experiment(client, name, operation)
        say(context, {"experiment": name, "requested": operation}, f"{name} {said}")

    argument = click.Argument(["name"], metavar="EXPERIMENT", shell_complete=experiment_names)
    made = click.command(operation, help=words)(operate)
    made.params.insert(0, argument)
    return made


def _operate_experiment(client: Client, name: str, operation: str) -> None:
    if operation == "delete":
        client.delete_experiment(name)
    else:
        client.operate_experiment(name, operation)


for _operation, _words, _said in (
    ("archive", "Archive it with its runs, and disable its recurring runs.", "is archived"),
    ("unarchive", "Bring it back into sight; its runs stay archived.", "is in sight again"),
    ("delete", "Delete it; its runs stay.", "is deleted"),
):
    experiment.add_command(_experiment_operation(_operation, _words, _said))


def _version_line(found: PipelineVersion) -> str:
    return f"{found.pipeline_version_id}  {found.name}"


def _document(found: PipelineVersion) -> str:
    import yaml

    return yaml.safe_dump(found["document"], sort_keys=False, allow_unicode=True).rstrip()
