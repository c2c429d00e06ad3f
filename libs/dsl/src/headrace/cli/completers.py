"""Completes ids and names in a shell, by asking the gateway."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from headrace.client import Client

_SECONDS = 2.0
"""The longest wait after Tab was pressed."""
_COUNT = 50


def run_ids(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """Ids of the newest runs, described by state and name."""
    return _completed(
        context,
        start,
        lambda client: [(r.run_id, f"{r.state} {r.display_name}") for r in client.runs(_COUNT)],
    )


def pipeline_names(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """Names of the newest pipelines."""
    return _completed(
        context,
        start,
        lambda client: [(p.name, p.display_name) for p in client.pipelines(_COUNT)],
    )


def experiment_names(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """Names of the newest experiments."""
    return _completed(
        context,
        start,
        lambda client: [
            (one.display_name, str(one["description"])) for one in client.experiments(_COUNT)
        ],
    )


def _completed(
    context: click.Context, start: str, read: Callable[[Client], list[tuple[str, str]]]
) -> list[CompletionItem]:
    """The values, with descriptions, that begin with `start`. Empty if the gateway does not
    respond in time or rejects the request."""
    from headrace.client import Client, ClientError, Patience
    from headrace.client.discovery import default_data_folder, find_gateway

    given = {**context.find_root().params, **{k: v for k, v in context.params.items() if v}}
    host = given.get("host") or os.environ.get("HEADRACE_HOST")
    token = given.get("token") or os.environ.get("HEADRACE_TOKEN")
    try:
        data = Path(given.get("data") or default_data_folder())
        url, token = find_gateway(host, token, data)
        with Client(url, token, timeout=_SECONDS, patience=Patience(attempts=1)) as client:
            found = read(client)
    except ClientError:
        return []
    return [CompletionItem(value, help=text) for value, text in found if value.startswith(start)]
