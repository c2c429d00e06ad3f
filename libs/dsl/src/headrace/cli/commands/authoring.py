"""``headrace compile``, ``lint`` and ``init``: what needs no deployment."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click

from headrace.cli.common import read_package, values_of
from headrace.cli.options import Context, Failed, common_options, say


@click.command("compile")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Without it: FILE.yaml.")
@click.option("--function", help="The pipeline's name in the file, where there are several.")
@common_options
def compile_command(
    context: Context, file: Path, output: Path | None, function: str | None
) -> None:
    """Compile a Python file with a pipeline, written with headrace or kfp. The file is run."""
    from headrace.cli.sources import compile_file

    text = compile_file(file, function)
    place = output or file.with_suffix(".yaml")
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed("NOT_FOUND", f"{place} cannot be written: {error.strerror}") from None
    say(context, {"package": str(place), "bytes": len(text.encode())}, str(place))


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="Check these too, as for run submit.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@common_options
def lint(context: Context, package: Path, parameters: tuple[str, ...], strict: bool) -> None:
    """Find what would fail when a pipeline is submitted, and what is seldom meant.

    Unknown inputs, type mismatches, steps that cannot be reached, packages and images that are not
    pinned. Exit status 0 without errors, 1 with errors.
    """
    from headrace.cli.rules import check, check_parameters

    text = read_package(package)
    spec = _spec(package, text)
    found = check(spec)
    if parameters:
        found = [*found, *check_parameters(spec, values_of(text, parameters))]
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    lines = [
        f"{click.style(one.severity, fg='red' if one.severity == 'error' else 'yellow')}"
        f"  {one.place}: {one.message}  [{one.rule}]"
        for one in found
    ]
    lines.append(f"{package}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    findings = [dataclasses.asdict(one) for one in found]
    answer = {"errors": errors, "warnings": warnings, "findings": findings}
    say(context, answer, "\n".join(lines))
    sys.exit(1 if errors or (strict and warnings) else 0)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@common_options
def init(context: Context, folder: Path) -> None:
    """Make a starter project: a pipeline that runs, and how to run it."""
    from importlib.resources import files

    source = files("headrace.cli") / "starter"
    named = {"pipeline.py.txt": "pipeline.py", "README.md": "README.md"}
    taken = [name for name in named.values() if (folder / name).exists()]
    if taken:
        raise Failed("CONFLICT", f"{folder / taken[0]} is there already; nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, target in named.items():
            (folder / target).write_text((source / name).read_text("utf-8"), "utf-8")
    except OSError as error:
        raise Failed("NOT_FOUND", f"{folder} cannot be written: {error.strerror}") from None
    made = [str(folder / target) for target in named.values()]
    enter = "" if folder == Path() else f"  cd {folder}\n"
    say(
        context,
        {"folder": str(folder.absolute()), "files": made},
        f"made {' and '.join(made)}; run it:\n{enter}"
        "  headrace up\n  headrace run submit pipeline.py --wait",
    )


def _spec(package: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = list(yaml.load_all(text, Loader=loader))  # a safe loader
    except yaml.YAMLError as error:
        words = " ".join(str(error).split())
        raise Failed("INVALID_SPEC", f"{package} is not YAML: {words}") from None
    spec = documents[0] if documents else None
    if isinstance(spec, dict) and isinstance(spec.get("pipeline_spec"), dict):
        spec = spec["pipeline_spec"]
    if not isinstance(spec, dict):
        raise Failed("INVALID_SPEC", f"{package} is no compiled pipeline")
    return spec


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
