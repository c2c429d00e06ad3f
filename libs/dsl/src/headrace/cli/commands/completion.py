"""``headrace completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from headrace.cli.errors import CommandFailed
from headrace.cli.options import Context, offline_command
from headrace.cli.output import print_result

_INSTALL = {
    "bash": 'eval "$(headrace completion bash)"      # in ~/.bashrc',
    "zsh": 'eval "$(headrace completion zsh)"       # in ~/.zshrc, after compinit',
    "fish": "headrace completion fish | source       # in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\nTo install it, add one of these lines:\n" + "\n".join(_INSTALL.values()))
@click.argument("shell", type=click.Choice(tuple(_INSTALL)))
@offline_command
def completion(context: Context, shell: str) -> None:
    """Print a shell completion script.

    It completes commands, options, run ids, and names of pipelines and experiments.
    """
    shell_class = get_completion_class(shell)
    if shell_class is None:
        raise CommandFailed("UNSUPPORTED_FEATURE", f"completion does not support {shell}")
    root = click.get_current_context().find_root().command
    try:
        script = shell_class(root, {}, "headrace", "_HEADRACE_COMPLETE").source()
    except RuntimeError as error:
        raise CommandFailed("UNSUPPORTED_FEATURE", str(error)) from None
    print_result(context, {"shell": shell, "script": script, "install": _INSTALL[shell]}, script)
