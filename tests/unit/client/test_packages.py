"""What can be submitted, and the errors for what cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.client import ClientError, Pipeline, PipelineVersion
from headrace.client.packages import fields_of, package_of


def test_sources_become_request_fields(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text("a: 1\n")
    assert fields_of(path) == fields_of(str(path)) == fields_of("a: 1\n") == {"package": "a: 1\n"}
    assert fields_of({"pipelineInfo": {}}) == {"pipeline_spec": {"pipelineInfo": {}}}
    assert fields_of(Pipeline({"pipeline_id": "p"})) == {"pipeline": {"pipeline_id": "p"}}
    ids = {"pipeline_id": "p", "pipeline_version_id": "v"}
    assert fields_of(PipelineVersion(ids)) == {"pipeline": ids}
    assert package_of(path) == (b"a: 1\n", "hello")


def plain_function() -> None: ...


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.yaml", "cannot read missing.yaml"),
        (plain_function, "decorate it with @dsl.pipeline"),
        (5, "cannot submit an object of type int"),
    ],
)
def test_other_sources_are_rejected(source: Any, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        fields_of(source)


def test_an_archive_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "hello.zip"
    path.write_bytes(b"PK\x03\x04...")
    with pytest.raises(ClientError, match="upload it as a pipeline"):
        fields_of(path)
