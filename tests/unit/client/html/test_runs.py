"""Runs as HTML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from headrace.client import Run
from headrace.client.html.graph import layers
from headrace.client.html.runs import run_html

from tests.unit.client.gateway import run_body, task_body


def test_a_run_is_well_formed_and_escaped() -> None:
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
def test_a_run_without_tasks_or_with_too_many_has_no_graph(count: int) -> None:
    run = Run(run_body(tasks=[task_body(f"t{n}") for n in range(count)]))
    text = run_html(run, run.link)
    assert "<svg" not in text
