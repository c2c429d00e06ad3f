"""``headrace pipeline``: store pipelines and their versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.completers import pipeline_names
from headrace.cli.connect import connected
from headrace.cli.errors import wrong_usage
from headrace.cli.options import Context, count_option, gateway_command
from headrace.cli.output import print_result

if TYPE_CHECKING:
    from headrace.client import Pipeline, PipelineVersion


@click.group()
def pipeline() -> None:
    """Store pipelines and their versions. PIPELINE is a name or an id."""


@pipeline.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the pipeline or version. Default: the file's name.")
@click.option(
    "--version-of",
    "of",
    metavar="PIPELINE",
    help="Store a new version of this pipeline.",
    shell_complete=pipeline_names,
)
@click.option("--description", help="Description of the pipeline or version.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag; repeatable.")
@gateway_command
def upload(
    context: Context,
    package: Path,
    name: str | None,
    of: str | None,
    description: str | None,
    tags: tuple[str, ...],
) -> None:
    """Store a pipeline. PACKAGE is a compiled pipeline, or a Python file, which is compiled."""
    source: Any = package
    if package.suffix == ".py":
        from headrace.cli.python_files import compile_file

        source, name = compile_file(package), name or package.stem
    pairs = [tag.partition("=") for tag in tags]
    for tag, (key, equals, _) in zip(tags, pairs, strict=True):
        if not key or not equals:
            raise wrong_usage(f"Invalid value for '--tag': expected KEY=VALUE, got {tag!r}.")
    options = {"description": description, "tags": {k: v for k, _, v in pairs} or None}
    made: Pipeline | PipelineVersion
    with connected(context) as client:
        if of is not None:
            made = client.upload_version(of, source, name, **options)  # type: ignore[arg-type]
        else:
            made = client.upload_pipeline(source, name, **options)  # type: ignore[arg-type]
    identity = made.get("pipeline_version_id") or made["pipeline_id"]
    print_result(context, made, f"{identity}  {made['name']}")


@pipeline.command("list")
@count_option()
@gateway_command
def list_pipelines(context: Context, count: int) -> None:
    """List the newest pipelines."""
    with connected(context) as client:
        found = client.pipelines(count)
    lines = [f"{one.pipeline_id}  {one.name}" for one in found]
    print_result(context, {"pipelines": found}, "\n".join(lines) or "no pipelines")


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@click.option("--version", metavar="VERSION", help="Show this version, with its spec.")
@gateway_command
def get(context: Context, name: str, version: str | None) -> None:
    """Show a pipeline and its newest versions, or the spec of a version."""
    with connected(context) as client:
        if version is not None:
            found = client.version(name, version)
            print_result(context, found, "" if context.json else _document(found))
            return
        known = client.pipeline(name)
        some = client.versions(known, 5)
    lines = [
        f"{known.pipeline_id}  {known.name}",
        *([known["description"]] if known["description"] else []),
        *(f"{key} = {value}" for key, value in known["tags"].items()),
        *(_version_line(one) for one in some),
    ]
    print_result(context, known, "\n".join(lines))


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@count_option()
@gateway_command
def versions(context: Context, name: str, count: int) -> None:
    """List the newest versions of a pipeline."""
    with connected(context) as client:
        found = client.versions(name, count)
    lines = [_version_line(one) for one in found]
    print_result(context, {"pipeline_versions": found}, "\n".join(lines) or "no versions")


@pipeline.command()
@click.argument("name", metavar="PIPELINE", shell_complete=pipeline_names)
@click.option("--version", metavar="VERSION", help="Delete only this version.")
@click.option("--cascade", is_flag=True, help="Also delete its versions. Required if it has any.")
@gateway_command
def delete(context: Context, name: str, version: str | None, cascade: bool) -> None:
    """Delete a pipeline or one of its versions. Its runs stay."""
    with connected(context) as client:
        if version is not None:
            client.delete_version(name, version)
        else:
            client.delete_pipeline(name, cascade=cascade)
    what = name if version is None else f"{name} {version}"
    result = {"pipeline": name, "version": version, "deleted": True}
    print_result(context, result, f"deleted {what}")


def _version_line(found: PipelineVersion) -> str:
    return f"{found.pipeline_version_id}  {found.name}"


def _document(found: PipelineVersion) -> str:
    import yaml

    return yaml.safe_dump(found["document"], sort_keys=False, allow_unicode=True).rstrip()
