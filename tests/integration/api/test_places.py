"""Where runs may leave their objects, and what a namespace may be called: it is a folder there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@pytest.mark.parametrize(
    ("root", "fault"),
    [
        ("gs://elsewhere/runs", "not in this deployment's store"),
        ("s3://headrace/runs/other", "not the namespace's"),
        ("s3://headrace/runs", "not the namespace's"),
        ("s3://headrace/specs", "not the namespace's"),
        ("s3://headrace/mine/../runs/other", "not the namespace's"),
    ],
)
async def test_a_root_that_is_somebody_else_s_is_refused(api: Api, root: str, fault: str) -> None:
    asked = {"namespace": api.namespace, "pipeline_spec": pipeline(), "pipeline_root": root}
    problem = await api.ask("POST", "/runs", asked, expect=400)
    assert fault in problem["detail"]
    assert problem["field"] == "pipeline_root"


async def test_a_root_of_one_s_own_is_taken(api: Api) -> None:
    for root in ("s3://headrace/team/data", f"s3://headrace/runs/{api.namespace}/x", ""):
        await api.submit(pipeline_root=root)


@pytest.mark.parametrize("name", ["a/b", "..", ".a", "", "a b", "x" * 64, "ä"])
async def test_a_name_that_is_no_folder_is_refused(api: Api, name: str) -> None:
    for path, asked in (
        ("/runs", {"namespace": name, "pipeline_spec": pipeline()}),
        ("/experiments", {"namespace": name, "display_name": "e"}),
    ):
        problem = await api.ask("POST", path, asked, expect=400)
        assert problem["field"] == "namespace"
