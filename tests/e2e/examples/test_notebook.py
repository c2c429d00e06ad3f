"""The example notebook: it runs on a deployment, and its committed form is canonical."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import ROOT, Deployment

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
EXECUTE = ROOT / ".notebook" / "bin" / "jupyter-execute"
WARNINGS = "error,ignore::PendingDeprecationWarning"
"""The kernel raises a PendingDeprecationWarning when it shuts down."""

pytestmark = pytest.mark.e2e
Outputs = dict[str, list[dict[str, Any]]]


def execute(deployment: Deployment, folder: Path) -> Outputs:
    """Execute the notebook. Returns the outputs of each cell, by cell ID."""
    executed = folder / "executed.ipynb"
    done = subprocess.run(
        [str(EXECUTE), f"--output={executed}", str(NOTEBOOK)],
        env={
            "HEADRACE_HOST": deployment.url,
            "HEADRACE_TOKEN": deployment.json("token")["token"],
            "HOME": str(folder),
            "PATH": os.defpath,
            "PYTHONWARNINGS": WARNINGS,
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {cell["id"]: cell.get("outputs", []) for cell in _cells(executed)}


@pytest.mark.skipif(not EXECUTE.exists(), reason="`make notebook-setup` installs what it needs")
def test_the_notebook_runs_and_reuses_the_cache(deployment: Deployment, tmp_path: Path) -> None:
    for reused in (False, True):
        found = execute(deployment, tmp_path)
        told = [output for outputs in found.values() for output in outputs]
        assert [one for one in told if one["output_type"] == "error"] == []
        assert [one for one in told if one.get("name") == "stderr"] == []

        watched = _data(found, "submit", "text/html")
        assert re.search(r'5 trees <span style="[^"]*">SUCCEEDED</span>', watched)
        assert watched.count("<rect") == 3
        assert watched.count("●</span> SUCCEEDED") == 3
        assert re.search(r"<td[^>]*>roc_auc</td><td[^>]*>0\.9\d+</td>", watched)
        assert f'href="{deployment.url}/runs/' in watched
        assert watched.count("reused from an earlier execution") == (3 if reused else 0)

        metrics = ast.literal_eval(_data(found, "metrics", "text/plain"))
        assert 0.9 < metrics["accuracy"] < metrics["roc_auc"] < 1
        assert found["log"][0]["text"] == ["5 trees learned from 341 rows\n", "\n"]
        assert re.search(r"<th>score</th>.*<td>1</td>", _data(found, "table", "text/html"), re.S)
        for plot in ("plot-roc", "plot-metrics"):
            picture = base64.b64decode(_data(found, plot, "image/png"))
            assert picture.startswith(b"\x89PNG")
            assert len(picture) > 10_000

        others = _data(found, "submit-more", "text/html")
        assert others.count("reused from an earlier execution") == (3 if reused else 1)
        compared = _data(found, "compare-two", "text/html")
        assert re.search(r"font-weight:600.*trees</td><td[^>]*>5</td><td[^>]*>100</td>", compared)
        frame = _data(found, "compare-all", "text/html")
        assert re.findall(r"<td>7</td>\s*<td>(\d+)</td>", frame) == ["5", "10", "30", "100"]
        best = ast.literal_eval(_data(found, "find-best", "text/plain"))
        assert best[0] == {"seed": 7, "trees": 100}
        assert best[1]["roc_auc"] > metrics["roc_auc"]


def test_the_notebook_is_committed_without_outputs_as_jupyter_writes_it() -> None:
    text = NOTEBOOK.read_text()
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    cells = notebook["cells"]
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z-]{1,64}", one) for one in ids)
    assert [cell["id"] for cell in cells if cell["metadata"]] == []
    assert [cell["id"] for cell in cells if cell.get("outputs")] == []
    assert [cell["id"] for cell in cells if cell.get("execution_count")] == []
    same = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert text == same, "Jupyter would write it differently"


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_the_cells_pass_the_linter(command: str) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [str(ruff), *command.split(), "--no-cache", str(NOTEBOOK)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["cells"])


def _data(found: Outputs, cell: str, kind: str) -> str:
    """The last output of a cell, in one MIME type."""
    content = found[cell][-1]["data"][kind]
    return content if isinstance(content, str) else "".join(content)
