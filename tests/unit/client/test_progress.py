"""Where and how the progress of a run is shown."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from headrace.client import Run
from headrace.client.progress import detected, progress

from tests.unit.client.gateway import run_body, task_body


class Display(ModuleType):
    """A notebook's display: one output that is updated."""

    def __init__(self) -> None:
        super().__init__("IPython.display")
        self.shown: list[Any] = []

    def display(self, run: Run, display_id: bool) -> Any:
        assert display_id
        self.shown.append(run)
        return SimpleNamespace(update=self.shown.append)


def test_a_notebook_shows_each_state(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(kernel=object())
    display = Display()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    states = [Run(run_body()), Run(run_body("SUCCEEDED", version=2))]
    with progress() as update:
        for run in states:
            update(run)
    assert display.shown == states


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True))
    assert detected() == "terminal"
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: False))
    assert detected() == "none"


def test_a_pipe_gets_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("terminal") as update:
        update(Run(run_body(tasks=[task_body("a", state="RUNNING")])))
        update(Run(run_body(tasks=[task_body("a", state="RUNNING")])))
        update(Run(run_body(tasks=[task_body("a")])))
    assert capsys.readouterr().out == "RUNNING    a\nSUCCEEDED  a\n"


def test_a_pipe_gets_ended_tasks_in_the_order_of_their_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = {"a": "2026-11-24T10:00:02Z", "a/b": "2026-11-24T10:00:01Z"}
    tasks = [task_body(path, finished_at=at) for path, at in ended.items()]
    with progress("terminal") as update:
        update(Run(run_body(tasks=[task_body("next", state="READY", finished_at=None), *tasks])))
    said = capsys.readouterr().out.splitlines()
    assert said == ["SUCCEEDED  a/b", "SUCCEEDED  a", "READY      next"]


def test_progress_can_be_switched_off() -> None:
    with progress("none") as update:
        update(Run(run_body()))
