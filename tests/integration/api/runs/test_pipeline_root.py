"""Which pipeline roots are allowed, and which names of namespaces: a name is a folder there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@pytest.mark.parametrize(
    ("root", "fault"),
    [
        ("gs://elsewhere/runs", "not in this deployment's object store"),
        ("s3://headrace/runs/other", "cannot use"),
        ("s3://headrace/runs", "cannot use"),
        ("s3://headrace/specs", "cannot use"),
        ("s3://headrace/mine/../runs/other", "cannot use"),
    ],
)
async def test_a_pipeline_root_outside_the_namespace_is_rejected(
    api: Api, root: str, fault: str
) -> None:
    asked = {"namespace": api.namespace, "pipeline_spec": pipeline(), "pipeline_root": root}
    problem = await api.ask("POST", "/runs", asked, expect=400)
    assert fault in problem["detail"]
    assert problem["field"] == "pipeline_root"


async def test_a_pipeline_root_of_the_namespace_is_accepted(api: Api) -> None:
    for root in ("s3://headrace/team/data", f"s3://headrace/runs/{api.namespace}/x", ""):
        await api.submit(pipeline_root=root)


@pytest.mark.parametrize("name", ["a/b", "..", ".a", "", "a b", "x" * 64, "ä"])
async def test_a_namespace_that_cannot_be_a_folder_is_rejected(api: Api, name: str) -> None:
    for path, asked in (
        ("/runs", {"namespace": name, "pipeline_spec": pipeline()}),
        ("/experiments", {"namespace": name, "display_name": "e"}),
    ):
        problem = await api.ask("POST", path, asked, expect=400)
        assert problem["field"] == "namespace"
