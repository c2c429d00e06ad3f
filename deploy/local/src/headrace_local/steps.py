"""The orderly stop of the running steps: they are asked to stop, and run again at the next start at
no cost.

Launchers stop their own steps and write how that ended, so only they are asked. What is killed
later, since it did not stop in time, was marked before.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from headrace_contracts.launches import STOP_MARK

from headrace_local import processes
from headrace_local.data import Data

_MARGIN_SECONDS = 5.0
"""Beyond the grace of a step, for its launcher to kill it, to upload and to write the result."""
_STEP_MARK = b"HEADRACE_LAUNCH_ID="
"""In the environment of every process of a step."""


def mark_stop(data: Data) -> None:
    """Say that what ends from now on is stopped with the deployment. On a full disk it is not said,
    and the attempts count as lost."""
    with contextlib.suppress(OSError):
        (data.path / "steps" / STOP_MARK).touch()


def stop(data: Data, pids: Iterable[int]) -> None:
    """Ask those of these processes that are no steps to end, and wait for them."""
    mark_stop(data)
    launchers = {
        pid: started
        for pid in pids
        if not _is_step(pid) and (started := processes.start_time(pid)) is not None
    }
    for pid in launchers:
        processes.kill(pid, signal.SIGTERM)
    if launchers:
        processes.wait_until_ended(launchers, _grace_seconds() + _MARGIN_SECONDS)


def _is_step(pid: int) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(variable.startswith(_STEP_MARK) for variable in environ)


def _grace_seconds() -> float:
    """From asking a step to stop to killing it, as in the settings of the executor."""
    return float(os.environ.get("HEADRACE_EXECUTOR_GRACE_SECONDS", "5"))
