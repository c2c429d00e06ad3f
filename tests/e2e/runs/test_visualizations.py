"""Visualizations of runs: sources in the object store and elsewhere, and pages in a browser."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace import dsl
from headrace.client import Artifact, Client, Run

from tests.support.deployment import ROOT, Deployment

pytestmark = pytest.mark.e2e
STATIC = ROOT / "services/ui_gateway/src/headrace_ui_gateway/static"
CHROMIUM = shutil.which("chromium")
EVIL = "<script>document.title = 'owned'</script>"


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    with Client(deployment.url, deployment.json("token")["token"]) as made:
        yield made


@dsl.component
def report(
    page: dsl.Output[dsl.HTML], notes: dsl.Output[dsl.Markdown], rows: dsl.Output[dsl.Dataset]
):
    """A page, a Markdown text, and a table without a visualization of its own."""
    for artifact, text in (
        (page, "<script>document.title = 'owned'</script>"),
        (notes, "# Notes\n\n<b>raw</b>"),
        (rows, "1,2\n3,4\n"),
    ):
        with open(artifact.path, "w") as file:
            file.write(text)


@dsl.component
def point(sources: list, mlpipeline_ui_metadata: dsl.Output[dsl.Artifact]):
    """A version 1 visualization with a table of each source."""
    import json

    table = {"type": "table", "format": "csv", "header": ["x", "y"]}
    with open(mlpipeline_ui_metadata.path, "w") as file:
        json.dump({"outputs": [{**table, "source": source} for source in sources]}, file)


@dsl.component
def tell(rows: dsl.Output[dsl.Dataset], mlpipeline_ui_metadata: dsl.Output[dsl.Artifact]):
    """A table in another output of the step, given by its local path."""
    import json

    with open(rows.path, "w") as file:
        file.write("5,6\n")
    shown = {"type": "table", "format": "csv", "header": ["x", "y"], "source": rows.path}
    with open(mlpipeline_ui_metadata.path, "w") as file:
        json.dump({"outputs": [shown]}, file)


def done(client: Client, pipeline: Any, **parameters: Any) -> Run:
    submitted = client.submit(pipeline, parameters, caching=False)
    return client.wait(submitted, timeout=300, show="none").check()


def test_a_source_is_read_only_from_runs_of_the_namespace(client: Client) -> None:
    made = done(client, report)
    artifacts = {one["output"]: one for one in client.artifacts(made)}
    rows, place = artifacts["rows"], artifacts["rows"].uri
    bucket = place.split("/")[2]
    outside = [
        place.replace("/default/", "/another/"),
        place.replace(bucket, "another"),
        f"{place}/../../../../../../../specs",
        f"s3://{bucket}/specs/{'0' * 64}.json",
        f"{client.url}/api/v1/me",
        "file:///etc/passwd",
        "/etc/passwd",
        "gs://bucket/x.csv",
    ]
    shown = client.visualizations(done(client, point, sources=[place, f"{place}2", *outside]))
    assert shown[0].rows == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert "the object does not exist" in (shown[1].error or "")
    assert [one.type for one in shown[2:]] == ["error"] * len(outside)
    for one, uri in zip(shown[2:], outside, strict=True):
        assert f"{uri} was not fetched" in (one.error or "")
    assert len(client.visualizations(rows)) == 0


def test_a_source_may_be_an_output_of_the_same_step(client: Client) -> None:
    (shown,) = client.visualizations(done(client, tell))
    assert shown.rows == [{"x": 5, "y": 6}]


def test_a_page_has_an_opaque_origin(client: Client) -> None:
    shown = client.visualizations(done(client, report))
    page, notes = sorted(shown, key=lambda one: one.type)
    assert (page.type, notes.type) == ("html", "markdown")
    assert notes["html"] == "<h1>Notes</h1>\n<p>&lt;b&gt;raw&lt;/b&gt;</p>\n"
    assert list(client.visualizations(Artifact(page))) == [page]
    path = f"{client.url}/api/v1/artifacts/{page['artifact_id']}/visualizations/0/page"
    answer = httpx.get(path, headers=client._headers, timeout=300, trust_env=False)
    assert answer.text == EVIL
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_visualizations_of_a_deleted_run_are_not_found(client: Client) -> None:
    made = done(client, report)
    place = next(one.uri for one in client.artifacts(made) if one["output"] == "rows")
    pointing = done(client, point, sources=[place])
    client.delete(made)
    (shown,) = client.visualizations(pointing)
    assert shown.type == "error"


HOSTILE = [
    {"type": "table", "columns": [EVIL], "rows": [[EVIL], ["<img src=x onerror=alert(1)>"]]},
    {
        "type": "confusion_matrix",
        "labels": [EVIL, "b"],
        "counts": [[1, 3], [0, 2]],
        "totals": [4, 2],
        "axes": [EVIL, "predicted"],
    },
    {
        "type": "roc",
        "points": [{"fpr": 0, "tpr": 0.5, "threshold": None}, {"fpr": 1, "tpr": 1, "threshold": 0}],
        "auc": 0.75,
    },
    {"type": "scalars", "scalars": [{"name": EVIL, "value": EVIL, "format": "RAW"}]},
    {"type": "markdown", "text": EVIL, "html": None},
    # as if the gateway had rendered it without escaping
    {
        "type": "markdown",
        "text": "",
        "html": f"<p onclick='x()'>{EVIL}<img src=x onerror=alert(1)><a href='javascript:x()'>y</a>"
        "<a href='https://e.example/'>z</a><iframe src=//e.example></iframe><svg onload=x()></p>",
    },
    {"type": "error", "message": EVIL, "field": EVIL},
]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_does_not_execute_hostile_texts(tmp_path: Path) -> None:
    place = {"title": EVIL, "path": f"root/{EVIL}", "truncated": True, "position": 0}
    shown = json.dumps([{**place, **one} for one in HOSTILE])
    (tmp_path / "static").symlink_to(STATIC)
    (tmp_path / "shown.json").write_text(shown)
    (tmp_path / "page.js").write_text(
        'import { draw } from "/static/visualizations.js";\n'
        'const shown = await (await fetch("/shown.json")).json();\n'
        "document.body.append(...shown.map(draw));\n"
    )
    (tmp_path / "page.html").write_text(
        '<!doctype html><title>mine</title><body><div id="visualizations-part"></div>'
        '<script type="module" src="/page.js"></script>'
    )
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            dom = subprocess.run(
                [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                 "--virtual-time-budget=5000", f"--user-data-dir={tmp_path / 'profile'}",
                 f"http://127.0.0.1:{server.server_port}/page.html"],
                capture_output=True, text=True, timeout=300, check=True,
            ).stdout  # fmt: skip
        finally:
            server.shutdown()
    assert "<title>mine</title>" in dom
    assert dom.count("<figure") == len(HOSTILE)
    assert dom.count("<script") == 1
    for absent in ("<img", "<iframe", "onclick", 'onerror="', "javascript:", "onload="):
        assert absent not in dom, absent
    assert 'href="https://e.example/"' in dom
    assert "AUC 0.7500" in dom
    assert "75 %" in dom
    assert "&lt;script&gt;" in dom


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and logs nothing."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
