"""What a step starts and leaves behind ends, however it hides: in a session of its own and with an
empty environment. What still runs for a run goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace_local import processes

from tests.e2e.deployment.canary import Canary, look, pid_of
from tests.support.deployment import Deployment, running
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def own() -> Iterator[Deployment]:
    with running() as made:
        yield made


class Step:
    """A running step that has started a daemon, and ends when the test says so."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._end = folder / "end"
        command = (
            f"env -i setsid sh -c 'echo $$ > {folder}/daemon.part; "
            f"mv {folder}/daemon.part {folder}/daemon; exec sleep 600' >/dev/null 2>&1 & "
            f"echo $PPID > {folder}/launcher; "
            f'while [ ! -e {self._end} ]; do sleep 0.05; done; printf ok > "$0"'
        )
        output = "{{$.outputs.parameters['value'].output_file}}"
        spec = shell_pipeline({"a": []}, command=("sh", "-c", command, output), outputs=["a"])
        self._canary = Canary(deployment, spec)
        run_id = self._canary.begin()
        assert run_id is not None
        self._run_id = run_id
        self.daemon = int(until(lambda: _read(folder / "daemon")))
        self.launcher = int(until(lambda: _read(folder / "launcher")))

    def end(self) -> str:
        """Let the step end; the state of its run."""
        self._end.touch()
        return self._canary.ends(self._run_id)


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def has_ended(pid: int) -> bool:
    return processes.start_time(pid) is None


def fork_server(deployment: Deployment) -> int:
    """The child of the executor that forks launchers."""
    (found,) = (
        pid
        for pid in processes.children(pid_of(deployment, "executor"))
        if processes.command_line(pid)[-1:] == ["--serve"]
    )
    return found


def group_of(deployment: Deployment) -> Path:
    group = look(deployment).content["group"]
    if group is None:
        pytest.skip("this user may not create a control group here: only marked processes end")
    return Path(group)


def test_down_ends_a_daemon(own: Deployment, tmp_path: Path) -> None:
    step = Step(own, tmp_path)
    own.down()
    assert has_ended(step.daemon)
    assert has_ended(step.launcher)


def test_a_daemon_ends_after_its_launcher_was_killed(own: Deployment, tmp_path: Path) -> None:
    step = Step(own, tmp_path)
    os.kill(step.launcher, signal.SIGKILL)
    until(lambda: has_ended(step.daemon))
    assert step.end() == "SUCCEEDED"  # in another attempt


def test_a_daemon_ends_after_launcher_fork_server_and_executor_were_killed(
    own: Deployment, tmp_path: Path
) -> None:
    step = Step(own, tmp_path)
    for pid in (pid_of(own, "executor"), fork_server(own), step.launcher):
        os.kill(pid, signal.SIGKILL)
    until(lambda: has_ended(step.daemon))
    assert step.end() == "SUCCEEDED"


def test_a_launcher_goes_on_without_fork_server_and_executor(
    own: Deployment, tmp_path: Path
) -> None:
    step = Step(own, tmp_path)
    server, executor = fork_server(own), pid_of(own, "executor")
    supervisor = own.supervisor()
    os.kill(executor, signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    until(lambda: pid_of(own, "executor") != executor and look(own).state == "ready")
    assert step.launcher in processes.children(supervisor)  # it has become its parent
    assert not has_ended(step.launcher)
    assert not has_ended(step.daemon)
    assert step.end() == "SUCCEEDED"
    until(lambda: has_ended(step.daemon))


def test_down_ends_a_daemon_after_the_supervisor_was_killed(
    own: Deployment, tmp_path: Path
) -> None:
    group = group_of(own)
    step = Step(own, tmp_path)
    own.signal_supervisor(signal.SIGKILL)
    until(lambda: look(own).state == "crashed")
    assert not has_ended(step.daemon)
    own.down()
    assert has_ended(step.daemon)
    assert not group.exists()


def test_a_daemon_of_before_the_supervisor_was_killed_ends_with_the_next_down(
    own: Deployment, tmp_path: Path
) -> None:
    group_of(own)
    step = Step(own, tmp_path)
    own.signal_supervisor(signal.SIGKILL)
    own.up()
    own.down()
    assert has_ended(step.daemon)


def test_the_supervisor_keeps_no_zombies(own: Deployment, tmp_path: Path) -> None:
    step = Step(own, tmp_path)
    os.kill(fork_server(own), signal.SIGKILL)
    assert step.end() == "SUCCEEDED"
    supervisor = own.supervisor()
    until(lambda: all(not has_ended(pid) for pid in processes.children(supervisor)))
