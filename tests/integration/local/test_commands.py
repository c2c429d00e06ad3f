"""``up``, ``down``, ``status`` and ``reset`` in each state of a deployment, and at the same time.

The supervisor and the commands are real; the programs are small.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headrace_local import control, processes

from tests.support.local.deployment import SmallDeployment, ended
from tests.support.waiting import until


@pytest.fixture
def small() -> Iterator[SmallDeployment]:
    made = SmallDeployment()
    try:
        yield made
    finally:
        made.remove()


def reach_stopped(small: SmallDeployment) -> None:
    reach_ready(small)
    small.command("down")


def reach_new(_: SmallDeployment) -> None:
    """Nothing was ever started."""


def reach_ready(small: SmallDeployment) -> None:
    status, result = small.command("up")
    assert (status, result["state"]) == (0, "ready")


def reach_starting(small: SmallDeployment) -> None:
    small.behave("api", "slow start")
    small.begin("up")
    until(lambda: small.look().state == "starting" and small.pid("api"))


def reach_healing(small: SmallDeployment) -> None:
    reach_ready(small)
    small.behave("api", "unready")
    until(lambda: small.look().state == "healing")


def reach_stopping(small: SmallDeployment) -> None:
    small.behave("api", "slow stop")
    reach_ready(small)
    small.begin("down")
    until(lambda: small.look().state == "stopping")


def reach_crashed(small: SmallDeployment) -> None:
    reach_ready(small)
    os.kill(small.supervisor(), signal.SIGKILL)
    until(lambda: small.look().state == "crashed")


def reach_frozen(small: SmallDeployment) -> None:
    reach_ready(small)
    os.kill(small.supervisor(), signal.SIGSTOP)
    until(lambda: small.look().state == "frozen")


STATES: dict[str, Callable[[SmallDeployment], None]] = {
    name.removeprefix("reach_"): reach
    for name, reach in list(globals().items())
    if name.startswith("reach_")
}
WAITS = {"up": ("starting", "healing", "stopping"), "down": ("stopping",)}
"""In which states a command waits until the api behaves as usual."""
REFUSED = {
    "new": ("stopped", "NOT_A_DATA_FOLDER"),
    **{
        state: (state, "RUNNING")
        for state in ("starting", "ready", "healing", "stopping", "frozen")
    },
}
"""What `status` says, and why `reset` is refused."""


@pytest.mark.parametrize("state", STATES)
def test_up_in_a_state(small: SmallDeployment, state: str) -> None:
    STATES[state](small)
    assert_status_and_reset(small, state)
    status, result = finish(small, state, "up")
    assert (status, said(result)) == (0, "ready"), result
    assert small.look().state == "ready"


@pytest.mark.parametrize("state", STATES)
def test_down_in_a_state(small: SmallDeployment, state: str) -> None:
    STATES[state](small)
    status, result = finish(small, state, "down")
    expected = (1, "NOT_A_DATA_FOLDER") if state == "new" else (0, "stopped")
    assert (status, said(result)) == expected, result
    assert small.look().state == "stopped"
    assert not processes.marked(small.path)


@pytest.mark.parametrize("state", ["stopped", "crashed"])
def test_reset_of_what_does_not_run(small: SmallDeployment, state: str) -> None:
    STATES[state](small)
    status, result = small.command("reset", "--yes")
    assert (status, said(result)) == (0, "deleted")
    assert not small.path.exists()
    assert not processes.marked(small.path)


def assert_status_and_reset(small: SmallDeployment, state: str) -> None:
    shown, refused = REFUSED.get(state, (state, None))
    status, result = small.command("status")
    assert (status, said(result)) == (0 if state == "ready" else 1, shown)
    if refused:
        status, result = small.command("reset", "--yes")
        assert (status, said(result)) == (1, refused)


def finish(small: SmallDeployment, state: str, command: str) -> tuple[int, Any]:
    """The result of a command, which in some states waits until the api behaves as usual."""
    begun = small.begin(command)
    if state in WAITS[command]:
        with pytest.raises(subprocess.TimeoutExpired):
            begun.wait(0.7)
    small.behave("api", None)
    return ended(begun)


def said(result: Any) -> str:
    if "deleted" in result:
        return "deleted"
    return str(result["error"]["code"] if "error" in result else result["state"])


@pytest.mark.parametrize("first", ["new", "stopped", "crashed", "stopping"])
def test_three_ups_at_once_all_return_ready(small: SmallDeployment, first: str) -> None:
    STATES[first](small)
    begun = [small.begin("up") for _ in range(3)]
    small.behave("api", None)
    results = [ended(one) for one in begun]
    assert [(status, said(result)) for status, result in results] == [(0, "ready")] * 3
    assert small.look().state == "ready"


def test_three_downs_at_once_all_return_stopped(small: SmallDeployment) -> None:
    reach_ready(small)
    results = [ended(one) for one in [small.begin("down") for _ in range(3)]]
    assert [(status, said(result)) for status, result in results] == [(0, "stopped")] * 3


def test_up_says_that_a_down_has_stopped_it(small: SmallDeployment) -> None:
    small.behave("api", "slow start")
    up = small.begin("up")
    until(lambda: small.pid("api"))
    assert small.command("down")[0] == 0
    status, result = ended(up)
    assert (status, result["error"]["code"]) == (1, "CANNOT_START")
    assert "it was stopped while it started" in result["error"]["message"]


def test_up_goes_on_when_the_supervisor_of_another_up_is_killed(small: SmallDeployment) -> None:
    small.behave("api", "slow start")
    begun = [small.begin("up"), small.begin("up")]
    until(lambda: small.pid("api"))
    os.kill(small.supervisor(), signal.SIGKILL)
    small.behave("api", None)
    assert [ended(one)[0] for one in begun] == [0, 0]


def test_a_lock_that_nobody_holds_is_no_obstacle(small: SmallDeployment) -> None:
    small.data.prepare()
    (small.path / "lock").write_text("left by a crash")
    assert small.command("up")[0] == 0


def test_up_tells_of_another_version(
    small: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach_ready(small)
    monkeypatch.setattr("headrace_local.control.version", lambda _: "9.9")
    with pytest.raises(control.ControlError, match=r"Headrace 0.1.0 runs in .* this is Headrace 9"):
        control.Start(small.data, print).wait()


def test_a_crash_loop_is_told_with_the_last_error(small: SmallDeployment) -> None:
    reach_ready(small)
    small.behave("executor", "crash")
    pid = small.pid("executor")
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    problem = until(lambda: next((p for p in small.look().problems if "5 times" in p), None))
    assert problem.startswith("executor: restarted 5 times in ")
    assert "last error: Error: it is broken" in problem
    assert "next start in " in problem
    status, result = small.command("status")
    assert status == 1
    assert any("last error: Error: it is broken" in text for text in result["problems"])
    small.behave("executor", None)  # it says so for a while even if it is ready again


def test_an_unhealthy_program_is_restarted_with_words(small: SmallDeployment) -> None:
    reach_ready(small)
    small.behave("nats", "failing")
    before = small.pid("nats")
    after = until(lambda: (pid := small.pid("nats")) != before and pid)
    small.behave("nats", None)
    assert after
    until(lambda: small.look().state == "ready")
    entry = small.look().content["processes"]["nats"]
    assert entry["last_restart"].startswith("it answers 500, since ")
    assert (
        "nats: restarted, it answers 500, since "
        in (small.data.logs / "supervisor.log").read_text()
    )


def test_a_frozen_program_is_killed_and_started_again(small: SmallDeployment) -> None:
    reach_ready(small)
    before = small.pid("api")
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    until(lambda: small.look().state == "healing")
    until(lambda: small.look().state == "ready")
    assert small.pid("api") != before
    last = small.look().content["processes"]["api"]["last_restart"]
    assert last.startswith(f"process {before} is stopped by a signal, since ")


def test_a_service_that_waits_for_a_server_is_not_restarted(small: SmallDeployment) -> None:
    reach_ready(small)
    before = small.pid("api")
    small.behave("api", "unready")
    small.behave("postgres", "crash")
    postgres = small.pid("postgres")
    assert postgres is not None
    os.kill(postgres, signal.SIGKILL)
    until(lambda: any("5 times" in problem for problem in small.look().problems))
    assert small.pid("api") == before


def test_the_supervisor_of_a_deleted_folder_ends(small: SmallDeployment) -> None:
    reach_ready(small)
    supervisor = small.supervisor()
    pids = [supervisor, *processes.children(supervisor)]
    shutil.rmtree(small.path)
    until(lambda: not any(processes.start_time(pid) for pid in pids))
