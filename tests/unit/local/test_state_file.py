"""The state is overwritten in place; a half-written one is not read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from headrace_local import state_file
from headrace_local.state_file import StateFile, read_state


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    written = StateFile(path)
    for state in ("a longer state than the next one", "ready"):
        assert written.write({"state": state})
        assert read_state(path)["state"] == state
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_stays_the_same_one_with_the_same_size(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    written = StateFile(path)
    written.write({"state": "starting"})
    before = path.stat()
    written.write({"state": "ready", "processes": ["x" * 9000]})
    after = path.stat()
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)


def test_an_unchanged_state_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    written = StateFile(path)
    written.write({"state": "ready"})
    path.write_text("changed by the test")
    assert written.write({"state": "ready"})
    assert path.read_text() == "changed by the test"


def test_a_write_that_fails_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    written = StateFile(path)

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(state_file.os, "posix_fallocate", no_space)
        assert not written.write({"state": "ready"})
    assert written.write({"state": "ready"})
    with monkeypatch.context() as patched:
        patched.setattr(state_file.os, "pwrite", no_space)
        assert not written.write({"state": "healing"})
    assert read_state(path)["state"] == "ready"
    assert written.write({"state": "healing"})
    assert read_state(path)["state"] == "healing"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", json.dumps({"number": 2, "state": "ready", "number_at_end": 1})],
)
def test_what_cannot_be_read_is_empty(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    assert read_state(path) == {}


def test_there_may_be_no_file(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") == {}
    assert not os.listdir(tmp_path)
