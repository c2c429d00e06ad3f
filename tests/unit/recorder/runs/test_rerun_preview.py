"""The preview of a rerun."""

from __future__ import annotations

import pytest
from headrace_contracts.failures import RejectionCode
from headrace_contracts.states import TaskState
from headrace_recorder.runs.rerun_preview import preview
from headrace_recorder.runs.views import task_view
from headrace_runtime.errors import RejectedError

from tests.unit.recorder.histories import of, task_row


def test_a_preview_lists_reused_and_executed_steps() -> None:
    tasks = [task_view(task_row(path, state=TaskState.SUCCEEDED)) for path in ("root/a", "root/b")]
    tasks += [task_view(task_row("root/c", 2, "b"))]
    found = preview(tasks, ["root/b"])
    assert [one["path"] for one in found["reuse"]] == ["root/a"]
    assert [one["path"] for one in found["run"]] == ["root/b", "root/c"]
    assert found["reuse"][0] == {
        "task_id": str(of("root/a")), "path": "root/a", "display_name": "a",
    }  # fmt: skip


def test_a_preview_from_an_unknown_task_is_rejected() -> None:
    with pytest.raises(RejectedError) as caught:
        preview([task_view(task_row("root/a"))], ["root/a", "root/nope"])
    assert caught.value.rejection.code == RejectionCode.NOT_FOUND
    assert caught.value.rejection.message == "the run has no task 'root/nope'"
