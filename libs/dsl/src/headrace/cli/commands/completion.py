"""``headrace completion``, and what can be completed by asking the deployment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from headrace.cli.options import Context, Failed, common_options, say

if TYPE_CHECKING:
    from headrace.client import Client

_INSTALL = {
    "bash": 'eval "$(headrace completion bash)"      # in ~/.bashrc',
    "zsh": 'eval "$(headrace completion zsh)"       # in ~/.zshrc, after compinit',
    "fish": "headrace completion fish | source       # in ~/.config/fish/config.fish",
}
_SECONDS = 2.0
"""Whoever has pressed Tab waits no longer."""


@click.command(epilog="\b\n" + "\n".join(_INSTALL.values()))
@click.argument("shell", type=click.Choice(tuple(_INSTALL)))
@common_options
def completion(context: Context, shell: str) -> None:
    """Print what lets a shell complete commands, options, runs and pipelines."""
    found = get_completion_class(shell)
    if found is None:
        raise Failed("UNSUPPORTED_FEATURE", f"there is no completion for {shell}")
    root = click.get_current_context().find_root().command
    try:
        script = found(root, {}, "headrace", "_HEADRACE_COMPLETE").source()
    except RuntimeError as error:
        raise Failed("UNSUPPORTED_FEATURE", str(error)) from None
    say(context, {"shell": shell, "script": script, "install": _INSTALL[shell]}, script)


def run_ids(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """The newest runs' ids; names are their help."""
    return _asked(
        context,
        start,
        lambda client: [(r.run_id, f"{r.state} {r.display_name}") for r in client.runs(50)],
    )


def pipeline_names(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """The newest pipelines' names."""
    return _asked(
        context, start, lambda client: [(p.name, p.display_name) for p in client.pipelines(50)]
    )


def experiment_names(context: click.Context, parameter: Any, start: str) -> list[CompletionItem]:
    """The newest experiments' names."""
    return _asked(
        context,
        start,
        lambda client: [(e.display_name, str(e["description"])) for e in client.experiments(50)],
    )


def _asked(
    context: click.Context, start: str, read: Callable[[Client], list[tuple[str, str]]]
) -> list[CompletionItem]:
    """What begins so; nothing where the deployment does not answer at once."""
    from headrace.client import Client, ClientError, Patience
    from headrace.client.place import default_data, place

    given = {**context.find_root().params, **{k: v for k, v in context.params.items() if v}}
    host = given.get("host") or os.environ.get("HEADRACE_HOST")
    token = given.get("token") or os.environ.get("HEADRACE_TOKEN")
    try:
        url, token = place(host, token, Path(given.get("data") or default_data()))
        with Client(url, token, timeout=_SECONDS, patience=Patience(attempts=1)) as client:
            found = read(client)
    except ClientError:
        return []
    return [CompletionItem(value, help=words) for value, words in found if value.startswith(start)]
