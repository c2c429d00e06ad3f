"""Files that change while the gateway runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from headrace_runtime.errors import FatalError
from headrace_ui_gateway.auth.files import WatchedFile
from headrace_ui_gateway.auth.rules.principals import FileError


def parse(text: str, toml: bool) -> str:
    if "bad" in text:
        raise FileError("it is bad")
    return f"{text}{' as toml' if toml else ''}"


def write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    write(path, "one")
    watched = WatchedFile(path, parse, "nothing", "tokens")
    assert watched.current() == "one as toml"
    write(path, "two")
    assert watched.current() == "two as toml"
    write(path, "bad")
    assert watched.current() == watched.current() == "two as toml"
    path.unlink()
    assert watched.current() == "nothing", "who deletes the file takes the tokens away"
    write(path, "three")
    assert watched.current() == "three as toml"


def test_a_change_of_the_same_size_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "roles.json"
    path.write_text("aa")
    watched = WatchedFile(path, parse, "", "roles")
    path.write_text("bb")
    os.utime(path, ns=(1, 1))
    assert watched.current() == "bb"


def test_an_invalid_file_at_startup_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("bad")
    with pytest.raises(FatalError, match=r"tokens file .* cannot be read: it is bad"):
        WatchedFile(tmp_path / "tokens.json", parse, "", "tokens")


def test_without_a_file_the_content_is_the_default(tmp_path: Path) -> None:
    assert WatchedFile(None, parse, "nothing", "tokens").current() == "nothing"
    assert WatchedFile(tmp_path / "none", parse, "nothing", "tokens").current() == "nothing"
