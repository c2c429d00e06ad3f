"""What artifacts show: each viewer, what is malformed, and limits."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from headrace_contracts.values import Artifact, ArtifactType
from headrace_contracts.values import Content as Stored
from headrace_ui_gateway.visualizations.artifacts import (
    Content,
    OutputArtifact,
    Read,
    visualizations,
    with_html,
)
from headrace_ui_gateway.visualizations.charts import FaultError
from headrace_ui_gateway.visualizations.markdown import html_of
from headrace_ui_gateway.visualizations.models import Visualizations
from headrace_ui_gateway.visualizations.viewers import viewer_of

TASK = UUID(int=1)
EVIL = "<script>alert(1)</script>"
FILE = Stored(kind="file", bytes=10)
MATRIX = {
    "type": "confusion_matrix",
    "storage": "inline",
    "format": "csv",
    "schema": [{"name": "target"}, {"name": "predicted"}, {"name": "count"}],
    "labels": ["a", "b"],
    "source": "a,a,5\na,b,1\n\nb,b,4\n",
}
ROC = {
    "type": "roc",
    "storage": "inline",
    "schema": [{"name": "fpr"}, {"name": "tpr"}, {"name": "thresholds"}],
    "source": "0,0,inf\n0,0.5,0.9\n1,1,0.1\n",
}
TABLE = {
    "type": "table",
    "storage": "inline",
    "format": "csv",
    "header": ["x", "y"],
    "source": '1,"a, b"\n 2 ,\n',
}


def show(
    output: str = "out",
    kind: str | None = None,
    metadata: dict[str, Any] | None = None,
    content: Content | bytes | FaultError | None = None,
    places: dict[str, Content | FaultError] | None = None,
    stored: Stored = FILE,
) -> list[dict[str, Any]]:
    """What an artifact shows; `places` is what is read from elsewhere."""
    artifact = Artifact(
        name="n", uri="s3://b/k", type=ArtifactType(schemaTitle=kind), metadata=metadata or {},
        content=stored,
    )  # fmt: skip
    viewer = viewer_of(output, artifact)
    if viewer is None:
        return []
    own = Content(content) if isinstance(content, bytes) else content
    reading = visualizations(OutputArtifact(TASK, "root/t", output, 0, artifact), viewer)
    came: Any = None
    try:
        while True:
            wanted = reading.throw(came) if isinstance(came, FaultError) else reading.send(came)
            assert isinstance(wanted, Read)
            came = own if wanted.uri is None else (places or {})[wanted.uri]
            assert came is not None
    except StopIteration as end:
        whole = Visualizations(visualizations=tuple(end.value))
    told = json.loads(whole.model_dump_json(), parse_constant=pytest.fail)
    return list(told["visualizations"])


def show_v1(*outputs: Any, **options: Any) -> list[dict[str, Any]]:
    """What a UI metadata file of version 1 shows."""
    content = json.dumps({"outputs": outputs}).encode()
    return show("mlpipeline_ui_metadata", content=content, **options)


def test_metrics_are_scalars() -> None:
    (shown,) = show(kind="system.Metrics", metadata={"acc": 0.5, "n": 3, "on": True, "m": [1]})
    assert shown["type"] == "scalars"
    told = [(one["name"], one["value"]) for one in shown["scalars"]]
    assert told == [("acc", 0.5), ("n", 3), ("on", True), ("m", "[1]")]
    assert (shown["task_id"], shown["path"], shown["output"]) == (str(TASK), "root/t", "out")
    infinite = show(kind="system.Metrics", metadata={"loss": float("inf"), "big": 2**60})
    assert [one["value"] for one in infinite[0]["scalars"]] == ["Infinity", str(2**60)]


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("system.Metrics", FILE),
        ("system.Model", FILE),
        (None, FILE),
        ("system.HTML", Stored(kind="none")),
        ("system.Markdown", Stored(kind="file", bytes=0)),
    ],
)
def test_artifacts_without_visualizations(kind: str | None, stored: Stored) -> None:
    assert show(kind=kind, stored=stored) == []


CLASSIFIED = {
    "confusionMatrix": {
        "annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}],
        "rows": [{"row": [5, 1]}, {"row": [0, 4]}],
    },
    "confidenceMetrics": [
        {"confidenceThreshold": 0.1, "falsePositiveRate": 1, "recall": 1},
        {"confidenceThreshold": "Infinity", "falsePositiveRate": 0, "recall": 0},
        {"confidenceThreshold": 0.9, "falsePositiveRate": 0, "recall": 0.5},
    ],
}


def test_both_versions_of_kfp_show_the_same() -> None:
    second = show(kind="system.ClassificationMetrics", metadata=CLASSIFIED)
    first = show_v1(MATRIX, ROC)
    for one, other in zip(first, second, strict=True):
        one.pop("output"), other.pop("output")
    assert first == second
    matrix, curve = second
    assert (matrix["labels"], matrix["counts"]) == (["a", "b"], [[5, 1], [0, 4]])
    assert (matrix["totals"], matrix["axes"]) == ([6, 4], ["target", "predicted"])
    assert curve["auc"] == 0.75
    assert [one["threshold"] for one in curve["points"]] == [None, 0.9, 0.1]


def test_every_slice_is_shown_under_its_name() -> None:
    slices = [
        {"slice": "all", "sliceClassificationMetrics": CLASSIFIED},
        {"slice": "none"},
        7,
        {"slice": "young", "sliceClassificationMetrics": CLASSIFIED},
    ]
    shown = show(kind="system.SlicedClassificationMetrics", metadata={"evaluationSlices": slices})
    assert [(one["type"], one["title"]) for one in shown] == [
        ("confusion_matrix", "confusion matrix: all"),
        ("roc", "ROC curve: all"),
        ("error", "out"),
        ("error", "out"),
        ("confusion_matrix", "confusion matrix: young"),
        ("roc", "ROC curve: young"),
    ]
    assert [one["position"] for one in shown] == [0, 1, 2, 3, 4, 5]
    assert shown[3]["field"] == "metadata.evaluationSlices.2"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"confusionMatrix": 3}, "confusionMatrix", "3 is not an object"),
        ({"confusionMatrix": {}}, "confusionMatrix.annotationSpecs", "missing"),
        (
            {"confusionMatrix": {"annotationSpecs": [{}], "rows": []}},
            "confusionMatrix.annotationSpecs.0.displayName",
            "missing",
        ),
        (
            {
                "confusionMatrix": {
                    "annotationSpecs": [{"displayName": "a"}],
                    "rows": [{"row": [1, 2]}],
                }
            },
            "confusionMatrix.rows",
            "1 labels need 1 rows",
        ),
        (
            {
                "confusionMatrix": {
                    "annotationSpecs": [{"displayName": "a"}],
                    "rows": [{"row": ["x"]}],
                }
            },
            "confusionMatrix.rows.0.row.0",
            '"x" is not a number',
        ),
        ({"confidenceMetrics": []}, "confidenceMetrics", "no points"),
        ({"confidenceMetrics": {"a": 1}}, "confidenceMetrics", "is not a list"),
        (
            {
                "confidenceMetrics": [
                    {"confidenceThreshold": 1, "falsePositiveRate": 1.5, "recall": 1}
                ]
            },
            "confidenceMetrics.0.falsePositiveRate",
            "1.5 is not a rate",
        ),
        (
            {"confidenceMetrics": [{"confidenceThreshold": 1, "falsePositiveRate": 1}]},
            "confidenceMetrics.0.recall",
            "missing",
        ),
    ],
)
def test_invalid_metadata_is_an_error_and_the_rest_is_shown(
    change: dict[str, Any], field: str, words: str
) -> None:
    shown = show(kind="system.ClassificationMetrics", metadata={**CLASSIFIED, **change})
    (fault,) = [one for one in shown if one["type"] == "error"]
    assert fault["field"] == f"metadata.{field}"
    assert words in fault["message"]
    assert len(shown) == 2


def test_a_table_has_the_values_as_written() -> None:
    (shown,) = show_v1(TABLE)
    assert shown["columns"] == ["x", "y"]
    assert shown["rows"] == [["1", "a, b"], ["2", ""]]
    named = {**TABLE, "header": None, "schema": [{"name": "p"}]}
    (shown,) = show_v1(named)
    assert (shown["columns"], shown["rows"][0]) == (["p", ""], ["1", "a, b"])


def test_columns_are_found_by_name() -> None:
    schema = [{"name": name} for name in ("count", "guess", "truth")]
    other = {
        **MATRIX,
        "schema": schema,
        "target_col": "truth",
        "predicted_col": "guess",
        "labels": [0, 1],
        "source": "7,1,0\n2,0,0\n3,1,1\n",
    }
    (shown,) = show_v1(other)
    assert shown["labels"] == ["0", "1"]
    assert shown["counts"] == [[2, 7], [0, 3]]
    assert shown["axes"] == ["truth", "guess"]


def test_texts_and_pages_are_inline_or_at_an_address() -> None:
    shown = show_v1(
        {"type": "markdown", "storage": "inline", "source": "# Hi"},
        {"type": "web-app", "source": "s3://b/page"},
        places={"s3://b/page": Content(b"<p>page</p>")},
    )
    assert [(one["type"], one["text"]) for one in shown] == [
        ("markdown", "# Hi"),
        ("html", "<p>page</p>"),
    ]
    assert show(kind="system.HTML", content=b"<b>x</b>")[0]["text"] == "<b>x</b>"
    assert show(kind="system.Markdown", content=b"\xef\xbb\xbfx")[0]["text"] == "x"


def test_an_unreadable_source_is_an_error_and_the_rest_is_shown() -> None:
    refused = FaultError("nothing is fetched from there")
    shown = show_v1({**TABLE, "storage": "gcs", "source": "gs://b/x"}, MATRIX,
                    places={"gs://b/x": refused})  # fmt: skip
    assert (shown[0]["type"], shown[0]["field"]) == ("error", "outputs.0.source")
    assert shown[0]["message"] == "nothing is fetched from there"
    assert shown[1]["type"] == "confusion_matrix"


def test_tensorboard_is_an_error_with_the_address_of_the_log() -> None:
    (shown,) = show_v1({"type": "tensorboard", "source": "s3://b/logs"})
    assert shown["type"] == "error"
    assert "does not run TensorBoard" in shown["message"]
    assert "s3://b/logs" in shown["message"]


@pytest.mark.parametrize(
    ("output", "field", "words"),
    [
        (7, "outputs.0", "7 is not an object"),
        ({}, "outputs.0.type", "missing"),
        ({"type": "table"}, "outputs.0.source", "missing"),
        ({"type": "pie", "source": "x"}, "outputs.0.type", "unknown viewer 'pie'"),
        ({**TABLE, "header": None}, "outputs.0.header", "missing"),
        ({**TABLE, "header": "x"}, "outputs.0.header", "is not a list"),
        ({**TABLE, "header": ["x", None]}, "outputs.0.header.1", "null is not a string"),
        ({**TABLE, "format": "tsv"}, "outputs.0.format", '"tsv" is not supported'),
        ({**TABLE, "source": '"' + "x" * 200_000}, "outputs.0.source", "not CSV"),
        ({**TABLE, "storage": "gcs"}, "outputs.0.storage", "not an address"),
        ({**TABLE, "storage": None, "source": "x" * 2001}, "outputs.0.storage", "not an address"),
        ({**MATRIX, "labels": None}, "outputs.0.labels", "is not a list"),
        ({**MATRIX, "labels": ["a"]}, "outputs.0.source", 'row 2: "b" is not one of the labels'),
        ({**MATRIX, "labels": ["a", "b", "a"]}, "outputs.0.labels", "duplicate label"),
        ({**MATRIX, "schema": None}, "outputs.0.schema", "is not a list"),
        ({**MATRIX, "schema": [{"x": 1}] * 3}, "outputs.0.schema.0.name", "missing"),
        ({**MATRIX, "target_col": "t"}, "outputs.0.target_col", '"t" is not a column'),
        ({**MATRIX, "schema": MATRIX["schema"][:2]}, "outputs.0.schema", "three columns"),  # type: ignore[index]
        ({**MATRIX, "source": "a,a,-1\n"}, "outputs.0.source", "row 1: "),
        ({**MATRIX, "source": "a,a\n"}, "outputs.0.source", "row 1 has 2 of 3 columns"),
        ({**ROC, "schema": [{"name": "fpr"}]}, "outputs.0.schema", "fpr, tpr and threshold"),
        ({**ROC, "source": "0,nan,1\n"}, "outputs.0.source", 'row 1: "nan" is not a number'),
        ({**ROC, "source": "  "}, "outputs.0.source", "no points"),
    ],
)
def test_an_invalid_output_is_an_error_and_the_others_are_shown(
    output: Any, field: str, words: str
) -> None:
    shown, other = show_v1(output, TABLE)
    assert shown["type"] == "error"
    assert shown["field"] == field
    assert words in shown["message"]
    assert other["type"] == "table"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not an object with 'outputs'"),
        (b"{}", "null is not a list"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "UTF-8"),
        (Content(b"{", whole=False), "larger than 8 MiB"),
        (FaultError("the artifact is a folder"), "a folder"),
    ],
)
def test_an_unreadable_file_is_an_error_with_the_reason(content: Any, words: str) -> None:
    (shown,) = show("mlpipeline-ui-metadata", content=content)
    assert shown["type"] == "error"
    assert words in shown["message"]


def test_metrics_of_version_1() -> None:
    metrics = [
        {"name": "acc", "numberValue": 0.9, "format": "PERCENTAGE"},
        {"name": "x"},
        {"numberValue": 1},
        {"name": "n", "numberValue": 3},
    ]
    shown = show("mlpipeline_metrics", content=json.dumps({"metrics": metrics}).encode())
    assert shown[0]["scalars"] == [
        {"name": "acc", "value": 0.9, "format": "PERCENTAGE"},
        {"name": "n", "value": 3, "format": "RAW"},
    ]
    assert [one["field"] for one in shown[1:]] == ["metrics.1.numberValue", "metrics.2.name"]


def test_long_content_is_truncated_and_marked() -> None:
    table = {**TABLE, "source": "1,2\n" * 1001}
    wide = {**TABLE, "source": ",".join("x" * 101)}
    deep = {**TABLE, "source": "x" * 1001}
    curve = {**ROC, "source": "".join(f"{i / 5000},{i / 5000},1\n" for i in range(5001))}
    labels = [str(i) for i in range(150)]
    matrix = {**MATRIX, "labels": labels, "source": "".join(f"{i},149,2\n" for i in labels)}
    text = {"type": "markdown", "storage": "inline", "source": "x" * 100_001}
    shown = show_v1(table, wide, deep, curve, matrix, text)
    assert all(one["truncated"] for one in shown), shown
    assert len(shown[0]["rows"]) == 1000
    assert len(shown[1]["columns"]) == len(shown[1]["rows"][0]) == 100
    assert len(shown[2]["rows"][0][0]) == 1000
    points = shown[3]["points"]
    assert (len(points), points[0]["fpr"], points[-1]["fpr"]) == (1000, 0, 1)
    assert shown[3]["auc"] == pytest.approx(0.5)
    assert (len(shown[4]["counts"]), len(shown[4]["counts"][0])) == (100, 100)
    assert shown[4]["totals"] == [2] * 100
    assert len(shown[5]["text"]) == 100_000
    (whole,) = show_v1({**TABLE, "source": "1,2\n" * 1000})
    assert not whole["truncated"]


def test_a_truncated_table_is_shown_and_a_truncated_curve_is_not() -> None:
    cut = Content(b"1,2\n3,4\n5", whole=False)
    table, curve, page = show_v1(
        {**TABLE, "storage": "", "source": "a"},
        {**ROC, "storage": "", "source": "a"},
        {"type": "web-app", "source": "a"},
        places={"a": cut},
    )
    assert (table["rows"], table["truncated"]) == ([["1", "2"], ["3", "4"]], True)
    for one in (curve, page):
        assert "larger than 8 MiB" in one["message"]
    (text,) = show(kind="system.Markdown", content=Content("ä".encode()[:1], whole=False))
    assert (text["text"], text["truncated"]) == ("", True)


def test_the_number_of_outputs_is_limited() -> None:
    shown = show_v1(*[TABLE] * 101)
    assert len(shown) == 101
    assert shown[-1]["message"] == "only the first 100 of 101 outputs are shown"


def test_malicious_strings_stay_strings() -> None:
    labels = [EVIL, '" onload="alert(1)']
    quoted = [label.replace('"', '""') for label in labels]
    source = "".join(f'"{one}","{other}",1\n' for one in quoted for other in quoted)
    (shown,) = show_v1({**MATRIX, "labels": labels, "source": source})
    assert shown["labels"] == labels


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<b>)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        "| a |\n|-|\n| <script> |",
        "[x]: javascript:alert(1)\n[x]",
        '[x](https://e.example "\\" onclick=\\"alert(1)")',
    ],
)
def test_rendered_markdown_is_safe(text: str) -> None:
    from html.parser import HTMLParser

    found: list[tuple[str, list[Any]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
            found.append((tag, attrs))

    Parser().feed(html_of(text))
    harmless = {"p", "a", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in found} <= harmless
    for _, attributes in found:
        for name, value in attributes:
            assert name in ("href", "title")
            assert not value.startswith(("javascript:", "data:", "vbscript:"))


def test_images_become_links() -> None:
    assert "<img" not in html_of("![x](https://e.example/x.png)")
    assert "<em>a</em>" in html_of("*a*")


def test_rendered_markdown_is_limited() -> None:
    one = OutputArtifact(TASK, "root/t", "out", 0, Artifact(name="n", uri="s3://b/k"))
    from headrace_ui_gateway.visualizations.models import Markdown

    texts = [
        Markdown(task_id=one.task_id, path=one.path, output="o", title="t", text="x" * size)
        for size in (60, 50, 40)
    ]
    found = list(with_html(texts, 100))
    assert [bool(getattr(text, "html", None)) for text in found] == [True, False, True]
