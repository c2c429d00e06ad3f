"""To which run an object belongs."""

from __future__ import annotations

from uuid import UUID

import pytest
from headrace_recorder.core.places import is_of, named_runs

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
def test_what_lies_among_what_a_run_leaves(key: str, root: str | None, belongs: bool) -> None:
    assert is_of(key, {**SUBMISSION, "pipeline_root": root}) is belongs


def test_runs_that_a_key_names() -> None:
    assert named_runs(f"runs/a/p/{RUN}/x") == [UUID(RUN)]
    assert named_runs(f"{RUN.upper()}/{RUN.replace('-', '')}/{{{RUN}}}/{RUN} ") == []
