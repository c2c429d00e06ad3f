"""The name and the lock of a work folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace_executor.backends.process import owner
from headrace_executor.backends.process.owner import hold_work_dir
from headrace_runtime.errors import FatalError


async def test_a_folder_has_one_name_for_life(tmp_path: Path) -> None:
    names = []
    for folder in ("one", "one", "two"):
        async with hold_work_dir(tmp_path / folder) as name:
            names.append(name)
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("process-")


async def test_a_name_that_a_crash_cut_off_is_drawn_again(tmp_path: Path) -> None:
    (tmp_path / ".owner").write_text("process-ho")
    async with hold_work_dir(tmp_path) as name:
        assert (tmp_path / ".owner").read_text() == f"{name}\n"
    assert len(name.rpartition("-")[2]) == 8


async def test_a_folder_is_held_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_PATIENCE_SECONDS", 0.2)
    async with hold_work_dir(tmp_path):
        with pytest.raises(FatalError, match="another executor uses the work folder"):
            async with hold_work_dir(tmp_path):
                pass
    async with hold_work_dir(tmp_path):
        pass


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match=r"cannot use the work folder .*: Not a directory"):
        async with hold_work_dir(tmp_path / "file" / "below"):
            pass
