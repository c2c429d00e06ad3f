"""Which run an object belongs to, and which objects are unused."""

from __future__ import annotations

from uuid import UUID

import pytest
from headrace_recorder.core.object_keys import belongs_to, named_runs, unused

RUN = "0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01"
SUBMISSION = {"namespace": "a", "pipeline": {"name": "p"}, "run_id": RUN, "pipeline_root": None}


@pytest.mark.parametrize(
    ("key", "root", "belongs"),
    [
        (f"runs/a/p/{RUN}/train/1/out", None, True),
        (f"runs/a/p/{RUN}", None, False),
        (f"runs/a/p/{RUN}2/train", None, False),
        (f"runs/b/p/{RUN}/train", None, False),
        (f"team/p/{RUN}/train", "s3://headrace/team/", True),
        (f"runs/a/p/{RUN}/train", "s3://headrace/team", False),
    ],
)
def test_objects_in_the_folder_of_a_run(key: str, root: str | None, belongs: bool) -> None:
    assert belongs_to(key, {**SUBMISSION, "pipeline_root": root}) is belongs


def test_run_ids_in_a_key() -> None:
    assert named_runs(f"runs/a/p/{RUN}/x") == [UUID(RUN)]
    assert named_runs(f"{RUN.upper()}/{RUN.replace('-', '')}/{{{RUN}}}/{RUN} ") == []


def test_unused_keys_are_neither_in_use_nor_below_a_key_in_use() -> None:
    keys = ["a", "a/b", "a/b/c", "ab", "c/d/e", "c/f"]
    assert unused(keys, []) == keys
    assert unused(keys, ["a", "c/d"]) == ["ab", "c/f"]
    assert unused(keys, ["a/b", "nowhere"]) == ["a", "ab", "c/d/e", "c/f"]
    assert unused(keys, ["a/", "c/d/"]) == ["ab", "c/f"]
