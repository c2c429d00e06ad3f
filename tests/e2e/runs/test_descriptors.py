"""No process of a deployment has a descriptor that it does not need, such as a socket of another
process, by which a request would reach nobody."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.deployment import Deployment, running
from tests.support.graphs import shell_pipeline
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture
def own() -> Iterator[Deployment]:
    """A deployment for one test."""
    with running() as made:
        yield made


def descriptors(data: Path) -> dict[int, tuple[str, dict[int, str]]]:
    """The processes of a deployment: command line and descriptors."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            is_ours = f"HEADRACE_DATA_DIR={data}".encode() in (entry / "environ").read_bytes()
            if line and (is_ours or (b"headrace_local.supervisor" in line)):
                opened = {int(one.name): os.readlink(one) for one in (entry / "fd").iterdir()}
                found[int(entry.name)] = (line.replace(b"\0", b" ").decode(), opened)
    return found


def test_processes_share_no_socket_and_inherit_nothing(own: Deployment, tmp_path: Path) -> None:
    wait = f"echo $$ >> {tmp_path}/steps; until [ -e {tmp_path}/go ]; do sleep 0.1; done"
    write = '; printf ok > "$0"'
    spec = shell_pipeline({"a": [], "b": []}, command=("sh", "-c", "true"))
    for executor in spec["deploymentSpec"]["executors"].values():
        output = "{{$.outputs.parameters['value'].output_file}}"
        executor["container"]["command"] = ["sh", "-c", wait + write, output]
    package = tmp_path / "waiting.yaml"
    package.write_text(yaml.safe_dump(spec))
    own.json("run", "submit", str(package), "--no-cache")
    notes = tmp_path / "steps"
    until(lambda: notes.exists() and len(notes.read_text().split()) == 2)
    steps = notes.read_text().split()
    found = descriptors(own.data)
    users: dict[str, set[int]] = defaultdict(set)
    for pid, (line, opened) in found.items():
        for target in opened.values():
            # The servers of Postgres share what they like; a launcher reads the pipe of its step.
            is_pipe = target.startswith("pipe:") and " -m headrace_" in line
            if is_pipe or (target.startswith("socket:") and "postgres" not in line):
                users[target].add(pid)
    shared = {
        target: [found[pid][0] for pid in pids] for target, pids in users.items() if len(pids) > 1
    }
    assert shared == {}
    for step in map(int, steps):
        assert set(found[step][1]) <= {0, 1, 2, 10}, "10 is a shell's own"
    forked = {pid: opened for pid, (line, opened) in found.items() if line.endswith("--serve ")}
    assert len(forked) >= 3, "the fork server and two launchers"
    logs = [pid for pid, opened in forked.items() if str(own.data / "logs") in str(opened)]
    assert len(logs) == 1, "the fork server alone writes to the executor's log"
    (tmp_path / "go").touch()
