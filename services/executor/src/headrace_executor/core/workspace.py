"""The run's workspace, a folder that all steps of a run share: its path in a launch command.

Source of the placeholder: `kfp.dsl.WORKSPACE_PATH_PLACEHOLDER`; KFP replaces every occurrence
within a constant.
"""

from __future__ import annotations

from typing import Any

from headrace_contracts.messages.commands import LaunchAttempt

_PLACEHOLDER = "{{$.workspace_path}}"


def with_workspace(command: LaunchAttempt, path: str) -> LaunchAttempt:
    """The launch with the placeholder replaced by `path`: in its input parameters, at any depth,
    and in its container's command line and environment."""
    container = command.container
    parameters = command.inputs.parameters
    return command.model_copy(
        update={
            "inputs": command.inputs.model_copy(
                update={"parameters": {name: _with_path(v, path) for name, v in parameters.items()}}
            ),
            "container": container.model_copy(
                update={
                    "command": tuple(_with_path(word, path) for word in container.command),
                    "args": tuple(_with_path(word, path) for word in container.args),
                    "env": tuple(
                        variable.model_copy(update={"value": _with_path(variable.value, path)})
                        for variable in container.env
                    ),
                }
            ),
        }
    )


def _with_path(value: Any, path: str) -> Any:
    match value:
        case str():
            return value.replace(_PLACEHOLDER, path)
        case list():
            return [_with_path(item, path) for item in value]
        case dict():
            return {key: _with_path(item, path) for key, item in value.items()}
        case _:
            return value
