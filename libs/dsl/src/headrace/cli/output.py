"""Prints results: as text, or with ``--json`` as one JSON object on standard output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from headrace.cli.options import Context


def print_result(context: Context, value: Any, text: str) -> None:
    """Print `value` as JSON if the user asked for JSON, else `text`."""
    click.echo(json.dumps(value, indent=2, default=_jsonable) if context.json else text)


def _jsonable(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
