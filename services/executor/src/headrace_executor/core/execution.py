"""One execution of an attempt, and the names that follow from it.

An attempt may be started more than once: its launcher did not answer, or the executor died before
it learned of the start. Each start is an execution with a number of its own, which fences it:
everything that an execution makes carries the number, so that two of them never mix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace_contracts.messages.commands import LaunchAttempt
from headrace_contracts.object_keys import run_prefix


def attempt_id(command: LaunchAttempt) -> str:
    """An attempt as one string."""
    return f"{command.run_id}-{command.task_id}-{command.attempt}"


@dataclass(frozen=True, slots=True)
class Execution:
    """One actual start of an attempt."""

    command: LaunchAttempt
    number: int
    """Grows with each start of the attempt. The first is 1."""

    @property
    def next(self) -> Execution:
        """The execution after this one."""
        return replace(self, number=self.number + 1)

    @property
    def launch_id(self) -> str:
        """The execution as one string, which begins with that of its attempt."""
        return f"{attempt_id(self.command)}-{self.number}"

    @property
    def key_prefix(self) -> str:
        """The prefix of the execution's object keys. Each execution has its own, so that a late one
        cannot overwrite another's objects."""
        command = self.command
        folder = run_prefix(
            command.namespace, command.pipeline_name, command.run_id, command.pipeline_root
        )
        path = command.path.partition("/")[2]
        return f"{folder}{path}/{command.attempt}/{self.number}/"

    @property
    def log_key(self) -> str:
        """The object key of the log."""
        return self.key_prefix + "log.txt"

    @property
    def result_key(self) -> str:
        """The object key of the result manifest, where that is uploaded."""
        return self.key_prefix + "result.json"
