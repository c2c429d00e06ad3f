"""Tables, comparisons, packages, and the HTML of a run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from headrace.client import ClientError, Comparison, Pipeline, PipelineVersion, Run
from headrace.client.html.graph import layers
from headrace.client.html.runs import run_html
from headrace.client.packages import fields_of, package_of
from headrace.client.tables import detect_format, read_table

from tests.unit.client.gateway import run_body, task_body

ROWS = [{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"x,y\n1,a\n2,b\n", "csv"),
        (b"\xef\xbb\xbfx\ty\n1\ta\n2\tb\n", "tsv"),
        (b'[{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]', "json"),
        (b'{"x": "1", "y": "a"}\n{"x": "2", "y": "b"}\n', "jsonl"),
    ],
)
def test_tables_without_pandas(no_pandas: None, content: bytes, kind: str) -> None:
    assert detect_format(content) == kind
    assert read_table(content) == ROWS


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        (b"\xff\xfe\x00", None, "not csv"),
        (b"PAR1....", None, "pip install pandas"),
        (b"[1, 2]", None, "not json"),
        (b"x", "xlsx", "none of csv"),
    ],
)
def test_what_is_no_table(no_pandas: None, content: bytes, format: str | None, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        read_table(content, format)


def test_tables_by_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_csv(file: Any, sep: str) -> tuple[bytes, str]:
        return file.read(), sep

    monkeypatch.setitem(__import__("sys").modules, "pandas", SimpleNamespace(read_csv=read_csv))
    assert read_table(b"x,y\n") == (b"x,y\n", ",")


def test_a_comparison_tells_what_differs() -> None:
    runs = (Run(run_body()), Run(run_body(parameters={"depth": 5, "seed": 1})))
    rows = {(row.kind, row.name): row for row in Comparison(runs).rows}
    assert rows["parameter", "depth"].values == (3, 5)
    assert rows["parameter", "seed"].values == (None, 1)
    differing = [name for name, row in rows.items() if row.differs]
    assert differing == [("parameter", "depth"), ("parameter", "seed")]
    ElementTree.fromstring(Comparison(runs)._repr_html_())


def test_a_run_in_a_notebook_is_whole_and_harmless() -> None:
    evil = "<script>alert(1)</script>"
    tasks = [
        task_body("make"),
        task_body("left", "make", state="FAILED", error={"message": evil}),
        task_body("right", "make", display_name=evil),
        task_body("join", "make", "left", "right", state="PENDING"),
    ]
    run = Run(
        run_body("FAILED", tasks=tasks, error={"message": evil}, display_name=evil), "http://x"
    )
    text = run_html(run, run.link)
    assert "<script>" not in text
    tree = ElementTree.fromstring(text)
    assert len(tree.findall(".//rect")) == 4
    assert len(tree.findall(".//path")) == 4
    assert "accuracy" in text
    assert text.count("●</span> SUCCEEDED") == 2
    assert text.count("●</span> FAILED") == text.count("●</span> PENDING") == 1
    assert 'href="http://x/runs/r1"' in text
    assert layers(tasks) == [["id-make"], ["id-left", "id-right"], ["id-join"]]


@pytest.mark.parametrize("count", [0, 61, 500])
def test_a_run_without_a_drawing(count: int) -> None:
    text = run_html(Run(run_body(tasks=[task_body(f"t{n}") for n in range(count)])))
    assert "<svg" not in text


def test_what_can_be_submitted(tmp_path: Path) -> None:
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
    ("source", "words"),
    [
        ("missing.yaml", "cannot be read"),
        (plain_function, "put @dsl.pipeline"),
        (5, "nothing that can be submitted"),
    ],
)
def test_what_cannot_be_submitted(source: Any, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        fields_of(source)


def test_an_archive_is_uploaded_not_submitted(tmp_path: Path) -> None:
    path = tmp_path / "hello.zip"
    path.write_bytes(b"PK\x03\x04...")
    with pytest.raises(ClientError, match="upload it as a pipeline"):
        fields_of(path)
