"""Visualizations as Python objects and as HTML."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from headrace.client import Artifact, ClientError, Run, Task, Visualization, Visualizations

from tests.unit.client.gateway import Gateway, run_body, task_body

EVIL = "<script>alert(1)</script>"
PLACE = {"artifact_id": "a", "path": "root/loop/0/t", "output": "o", "truncated": False}
TABLE = {
    **PLACE,
    "type": "table",
    "title": "table",
    "columns": ["n", "x", EVIL],
    "rows": [["1", "0.5", EVIL], ["2", "", "1_0"]],
}
MATRIX = {
    **PLACE,
    "type": "confusion_matrix",
    "title": EVIL,
    "labels": ["a", EVIL],
    "counts": [[3, 1], [0, 0]],
    "totals": [4, 0],
    "axes": ["target", "predicted"],
}
CURVE = {
    **PLACE,
    "type": "roc",
    "title": "ROC curve",
    "points": [{"fpr": 0, "tpr": 0.5, "threshold": None}, {"fpr": 1, "tpr": 1, "threshold": 0.1}],
    "auc": 0.75,
}
SCALARS = {
    **PLACE,
    "type": "scalars",
    "title": "metrics",
    "scalars": [
        {"name": "acc", "value": 0.931, "format": "PERCENTAGE"},
        {"name": EVIL, "value": EVIL, "format": "RAW"},
    ],
}
MARKDOWN = {**PLACE, "type": "markdown", "title": "text", "text": EVIL, "html": None}
PAGE = {**PLACE, "type": "html", "title": "page", "text": f'<p class="x">{EVIL}'}
ERROR = {**PLACE, "type": "error", "title": "o", "message": EVIL, "field": "outputs.0.source"}
ALL = [TABLE, MATRIX, CURVE, SCALARS, MARKDOWN, PAGE, ERROR]


def test_rows_are_values() -> None:
    assert Visualization(TABLE).rows == [
        {"n": 1, "x": 0.5, EVIL: EVIL},
        {"n": 2, "x": None, EVIL: "1_0"},
    ]
    assert Visualization(MATRIX).rows[0] == {"target": "a", "a": 3, EVIL: 1}
    assert Visualization(CURVE).rows[0] == {"fpr": 0, "tpr": 0.5, "threshold": None}
    assert Visualization(SCALARS).rows[0] == {"name": "acc", "value": 0.931}
    assert Visualization({**TABLE, "rows": []}).rows == []


@pytest.mark.parametrize("shown", [MARKDOWN, PAGE, ERROR])
def test_texts_have_no_rows(shown: dict[str, Any]) -> None:
    for read in (lambda: Visualization(shown).rows, Visualization(shown).frame):
        with pytest.raises(ClientError, match="not a table"):
            read()


def test_frames_are_made_with_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = SimpleNamespace(DataFrame=lambda rows, columns: (rows, columns))
    monkeypatch.setitem(__import__("sys").modules, "pandas", pandas)
    assert Visualization(TABLE).frame() == ([(1, 0.5, EVIL), (2, None, "1_0")], ["n", "x", EVIL])


def test_a_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError):
        Visualization(TABLE).frame()


def test_html_is_complete_and_escaped() -> None:
    shown = Visualizations({"visualizations": ALL, "truncated": True})
    text = shown._repr_html_()
    tree = ElementTree.fromstring(text)
    assert "<script" not in text
    assert "AUC 0.7500" in text
    assert "93.1%" in text
    assert "75.0%" in text
    assert "outputs.0.source" in text
    assert "There are more" in text
    (frame,) = tree.findall(".//iframe")
    assert frame.attrib["sandbox"] == "allow-scripts"
    assert frame.attrib["srcdoc"] == PAGE["text"]
    assert len(tree.findall(".//polyline")) == 2
    rendered = Visualization({**MARKDOWN, "html": "<p>it is <em>so</em></p>"})
    assert "<em>so</em>" in rendered._repr_html_()
    long = Visualization({**TABLE, "truncated": True, "rows": [["1", "2", "3"]] * 101})
    assert "and 1 more" in long._repr_html_()
    assert "Truncated" in long._repr_html_()


def test_an_unknown_type_shows_its_title() -> None:
    later = Visualization({**PLACE, "type": "sankey", "title": "flow"})
    assert "flow" in later._repr_html_()


def test_they_are_a_sequence() -> None:
    shown = Visualizations({"visualizations": ALL})
    assert len(shown) == 7
    assert not shown.truncated
    assert [one.type for one in shown][-1] == "error"
    assert shown[-1].error == f"outputs.0.source: {EVIL}"
    assert shown[0].error is None
    assert repr(shown[2]) == "<Visualization roc 'ROC curve' of loop/0/t>"
    assert repr(shown[2:3]) == f"({shown[2]!r},)"
    assert (shown[0].output, shown[0].path) == ("o", "loop/0/t")


async def test_visualizations_of_a_run_a_task_and_an_artifact() -> None:
    gateway = Gateway(httpx.Response(200, json={"visualizations": ALL}))
    run = Run(run_body())
    with gateway.client() as client:
        assert len(client.visualizations(run)) == 7
        client.visualizations("r1", task_id="t1")
        client.visualizations(run, task_id=Task(task_body("make")))
        client.visualizations(Artifact({"artifact_id": "a1"}))
    async with gateway.awaiting() as client:
        assert (await client.visualizations(run))[0].rows == Visualization(TABLE).rows
    asked = [str(one.url).partition("/api/v1")[2] for one in gateway.requests]
    of_run = "/runs/r1/visualizations"
    assert asked == [
        of_run,
        f"{of_run}?task_id=t1",
        f"{of_run}?task_id=id-make",
        "/artifacts/a1/visualizations",
        of_run,
    ]
