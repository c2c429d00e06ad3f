"""``headrace compile``, ``lint`` and ``init``. They need no deployment."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click

from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, offline_command
from headrace.cli.output import print_result
from headrace.cli.parameters import parameter_option, parse_parameters, read_package


@click.command("compile")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Package to write. Default: FILE with the suffix .yaml.",
)
@click.option("--function", metavar="NAME", help="Pipeline to compile, if FILE has several.")
@offline_command
def compile_command(
    context: Context, file: Path, output: Path | None, function: str | None
) -> None:
    """Compile a pipeline in a Python file to a package.

    FILE is executed. Its pipeline may use headrace or kfp, and is compiled by the SDK that it uses.
    """
    from headrace.cli.python_files import compile_file

    text = compile_file(file, function)
    target = output or file.with_suffix(".yaml")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed("NOT_FOUND", f"cannot write {target}: {error.strerror}") from None
    print_result(context, {"package": str(target), "bytes": len(text.encode())}, str(target))


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@parameter_option("Also check this parameter, as for run submit; repeatable.")
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings too.")
@offline_command
def lint(context: Context, package: Path, parameters: tuple[str, ...], strict: bool) -> None:
    """Check a pipeline for errors before it is submitted.

    PACKAGE is a compiled pipeline, or a Python file, which is compiled. Reports unknown inputs,
    type mismatches, unreachable steps, and packages and images without a version. Exits with 1 if
    there are errors.
    """
    from headrace.cli.lint import check, check_parameters

    text = read_package(package)
    spec = _spec(package, text)
    found = check(spec)
    if parameters:
        found = [*found, *check_parameters(spec, parse_parameters(text, parameters))]
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    lines = [
        f"{click.style(one.severity, fg='red' if one.severity == 'error' else 'yellow')}"
        f"  {one.place}: {one.message}  [{one.rule}]"
        for one in found
    ]
    lines.append(f"{package}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    findings = [dataclasses.asdict(one) for one in found]
    result = {"errors": errors, "warnings": warnings, "findings": findings}
    print_result(context, result, "\n".join(lines))
    sys.exit(1 if errors or (strict and warnings) else 0)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@offline_command
def init(context: Context, folder: Path) -> None:
    """Create a starter project.

    Writes an example pipeline and a README to FOLDER. Default: the current folder.
    """
    from importlib.resources import files

    source = files("headrace.cli") / "starter"
    named = {"pipeline.py.txt": "pipeline.py", "README.md": "README.md"}
    existing = [name for name in named.values() if (folder / name).exists()]
    if existing:
        raise CommandFailed(
            "CONFLICT", f"{folder / existing[0]} already exists; nothing was written"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, target in named.items():
            (folder / target).write_text((source / name).read_text("utf-8"), "utf-8")
    except OSError as error:
        raise CommandFailed("NOT_FOUND", f"cannot write {folder}: {error.strerror}") from None
    made = [str(folder / target) for target in named.values()]
    enter = "" if folder == Path() else f"  cd {folder}\n"
    print_result(
        context,
        {"folder": str(folder.absolute()), "files": made},
        f"created {' and '.join(made)}. To run it:\n{enter}"
        "  headrace up\n  headrace run submit pipeline.py --wait",
    )


def _spec(package: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = list(yaml.load_all(text, Loader=loader))  # a safe loader
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise CommandFailed("INVALID_SPEC", f"{package} is not valid YAML: {reason}") from None
    spec = documents[0] if documents else None
    if isinstance(spec, dict) and isinstance(spec.get("pipeline_spec"), dict):
        spec = spec["pipeline_spec"]
    if not isinstance(spec, dict):
        raise CommandFailed("INVALID_SPEC", f"{package} is not a compiled pipeline")
    return spec


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
