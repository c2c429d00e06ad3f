"""The run's workspace: a folder that all steps of a run share, put where the pipeline asks for it.

Source of the placeholder: `kfp.dsl.WORKSPACE_PATH_PLACEHOLDER`, of which KFP replaces every
occurrence within a constant.
"""

from __future__ import annotations

from typing import Any

from headrace_contracts.commands import LaunchAttempt

_PLACEHOLDER = "{{$.workspace_path}}"


def with_workspace(command: LaunchAttempt, path: str) -> LaunchAttempt:
    """The same launch with the workspace's path in its input parameters, at any depth of them, and
    in its container's command line and environment."""
    container = command.container
    parameters = command.inputs.parameters
    return command.model_copy(
        update={
            "inputs": command.inputs.model_copy(
                update={"parameters": {name: _placed(v, path) for name, v in parameters.items()}}
            ),
            "container": container.model_copy(
                update={
                    "command": tuple(_placed(word, path) for word in container.command),
                    "args": tuple(_placed(word, path) for word in container.args),
                    "env": tuple(
                        variable.model_copy(update={"value": _placed(variable.value, path)})
                        for variable in container.env
                    ),
                }
            ),
        }
    )


def _placed(value: Any, path: str) -> Any:
    match value:
        case str():
            return value.replace(_PLACEHOLDER, path)
        case list():
            return [_placed(item, path) for item in value]
        case dict():
            return {key: _placed(item, path) for key, item in value.items()}
        case _:
            return value
