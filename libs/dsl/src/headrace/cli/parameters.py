"""What commands that talk to a deployment share: its client, and packages and parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace.cli.options import Context, Failed
from headrace.client.place import place

if TYPE_CHECKING:
    from headrace.client import Client

F = TypeVar("F", bound=Callable[..., Any])
_ATTEMPTS = 5
"""Whoever sits before a deployment that is down hears so within two seconds."""


@contextmanager
def connected(context: Context) -> Iterator[Client]:
    """The client of the deployment; its errors become the command's."""
    from headrace.client import Client, ClientError, Patience

    try:
        url, token = place(context.host, context.token, context.data)
        with Client(url, token, patience=Patience(attempts=_ATTEMPTS)) as client:
            yield client
    except ClientError as error:
        hint = "" if error.code != "UNAUTHENTICATED" else "; give one by --token or HEADRACE_TOKEN"
        raise Failed(error.code, error.message + hint) from None
    except TimeoutError as error:
        raise Failed("TIMEOUT", str(error)) from None


def read_package(package: Path) -> str:
    """A package's text; a Python file is compiled first."""
    if package.suffix == ".py":
        from headrace.cli.sources import compile_file

        return compile_file(package)
    return read_text(package)


def read_text(package: Path) -> str:
    """A file's text."""
    try:
        return package.read_text(encoding="utf-8")
    except OSError as error:
        raise Failed("NOT_FOUND", f"{package} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failed("MALFORMED", f"{package} is not a text file") from None


def values_of(text: str, given: tuple[str, ...]) -> dict[str, Any]:
    """Parameters from ``NAME=VALUE``, each by the type that the package declares."""
    types = _types(text) if given else {}
    values: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Failed("INVALID_PARAMETER", f"-p {pair}: expected NAME=VALUE")
        if value.startswith("@"):
            value = read_text(Path(value[1:]))
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


def execution_options(command: F) -> F:
    """The options that say how a run is carried out."""
    for option in reversed(
        (
            click.option(
                "--priority",
                type=click.IntRange(-1000, 1000),
                default=0,
                help="Higher goes first where something has to wait.",
            ),
            click.option("--deadline", type=float, help="Fail a run that takes more seconds."),
            click.option("--no-cache", is_flag=True, help="Run every step, whatever is cached."),
            click.option(
                "--continue-on-failure",
                is_flag=True,
                help="After a failure, run all that does not depend on it.",
            ),
        )
    ):
        command = option(command)
    return command


def execution_fields(
    priority: int, deadline: float | None, no_cache: bool, continue_on_failure: bool
) -> dict[str, Any]:
    """These options as fields of a request; those that were not given are left out."""
    fields = {
        "priority": priority or None,
        "deadline_seconds": deadline,
        "caching": False if no_cache else None,
        "failure_strategy": "CONTINUE" if continue_on_failure else None,
    }
    return {key: value for key, value in fields.items() if value is not None}
