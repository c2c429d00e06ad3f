"""The object store is away while steps end: nothing runs twice, and other steps go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.runs.test_orderly_stops import ended, starts, submit
from tests.support.deployment import Deployment, running
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def own() -> Iterator[Deployment]:
    """A deployment for one test."""
    with running({"HEADRACE_EXECUTOR_SLOTS": "1"}) as made:
        yield made


def test_steps_that_end_while_the_store_is_frozen_hold_no_slot_and_run_once(
    own: Deployment, tmp_path: Path
) -> None:
    code = (
        'echo start >> "$1/$2.starts"; until [ -e "$1/go" ]; do sleep 0.1; done;'
        ' seq 3000; printf done > "$0"'
    )
    names = ("a", "b", "c")
    tmp_path.chmod(0o755)
    run_id = submit(own, tmp_path, *names, code=code)
    until(lambda: sum(starts(tmp_path, name) for name in names) == 1)
    store = own.pid("s3")
    assert store is not None
    os.kill(store, signal.SIGSTOP)
    (tmp_path / "go").touch()
    until(lambda: all(starts(tmp_path, name) == 1 for name in names))
    until(
        lambda: {task["state"] for task in own.json("run", "get", run_id)["tasks"]} == {"RUNNING"}
    )
    os.kill(store, signal.SIGCONT)
    run = ended(own, run_id)
    assert run["state"] == "SUCCEEDED", run
    assert {task["attempt"] for task in run["tasks"]} == {1}
    assert [starts(tmp_path, name) for name in names] == [1, 1, 1]
