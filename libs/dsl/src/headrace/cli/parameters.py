"""Packages, parameters and execution options, as commands that submit runs take them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.errors import CommandFailed, wrong_usage

F = TypeVar("F", bound=Callable[..., Any])


def parameter_option(
    help: str = "Input parameter; repeatable. @FILE as VALUE reads a file.",
) -> Callable[[F], F]:
    """The option ``-p NAME=VALUE``."""
    return click.option(
        "-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help=help
    )


def read_package(package: Path) -> str:
    """The text of a package; a Python file is compiled."""
    if package.suffix == ".py":
        from headrace.cli.python_files import compile_file

        return compile_file(package)
    return read_text(package)


def read_text(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed("NOT_FOUND", f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandFailed("MALFORMED", f"{path} is not a text file") from None


def parse_parameters(package: str, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Parameters from ``NAME=VALUE``, each parsed by the type that the package declares."""
    types = _declared_types(package) if pairs else {}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise wrong_usage(f"Invalid value for '-p': expected NAME=VALUE, got {pair!r}.")
        if value.startswith("@"):
            value = read_text(Path(value[1:]))
        if types.get(name, "STRING") == "STRING":
            values[name] = value
            continue
        try:
            values[name] = json.loads(value)
        except ValueError:
            raise CommandFailed(
                "INVALID_PARAMETER",
                f"parameter {name!r} has type {types[name]}, but {value!r} is not JSON",
            ) from None
    return values


def _declared_types(package: str) -> dict[str, str]:
    """The types of the pipeline's parameters by name. Empty for an invalid package, which the
    gateway rejects with the reason."""
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        spec = next(iter(yaml.load_all(package, Loader=loader)))  # a safe loader
        declared = spec["root"]["inputDefinitions"]["parameters"]
        return {name: definition["parameterType"] for name, definition in declared.items()}
    except (yaml.YAMLError, KeyError, TypeError, StopIteration, AttributeError):
        return {}


def execution_options(command: F) -> F:
    """The options that set how a run is executed."""
    for option in reversed(
        (
            click.option(
                "--priority",
                type=click.IntRange(-1000, 1000),
                default=0,
                help="Tasks of runs with higher priority start first. Default: 0.",
            ),
            click.option(
                "--deadline", type=float, metavar="SECONDS", help="Fail a run that takes longer."
            ),
            click.option(
                "--no-cache", is_flag=True, help="Run every step even if its outputs are cached."
            ),
            click.option(
                "--continue-on-failure",
                is_flag=True,
                help="After a failure, run all tasks that do not depend on the failed one.",
            ),
        )
    ):
        command = option(command)
    return command


def execution_fields(
    priority: int, deadline: float | None, no_cache: bool, continue_on_failure: bool
) -> dict[str, Any]:
    """The execution options that were given, as fields of a request."""
    fields = {
        "priority": priority or None,
        "deadline_seconds": deadline,
        "caching": False if no_cache else None,
        "failure_strategy": "CONTINUE" if continue_on_failure else None,
    }
    return {key: value for key, value in fields.items() if value is not None}
