"""Comparisons of runs."""

from __future__ import annotations

from xml.etree import ElementTree

from headrace.client import Comparison, Run

from tests.unit.client.gateway import run_body


def test_a_comparison_shows_what_differs() -> None:
    runs = (Run(run_body()), Run(run_body(parameters={"depth": 5, "seed": 1})))
    rows = {(row.kind, row.name): row for row in Comparison(runs).rows}
    assert rows["parameter", "depth"].values == (3, 5)
    assert rows["parameter", "seed"].values == (None, 1)
    differing = [name for name, row in rows.items() if row.differs]
    assert differing == [("parameter", "depth"), ("parameter", "seed")]
    ElementTree.fromstring(Comparison(runs)._repr_html_())
