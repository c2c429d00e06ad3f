"""The code of docs/howto/python-client.md runs as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client.packages import STEPS
from tests.support.deployment import ROOT, Deployment

pytestmark = pytest.mark.e2e
PAGE = ROOT / "docs" / "howto" / "python-client.md"


def test_the_code_of_the_page_runs(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(STEPS)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={
            "HEADRACE_HOST": deployment.url,
            "HEADRACE_TOKEN": deployment.json("token")["token"],
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "SUCCEEDED {'word': 'hello'} {'rows_made': 3.0}"
    assert "metric rows_made (2.0, 5.0)" in lines
    assert "['SUCCEEDED', 'SUCCEEDED']" in lines
    assert lines[-1].startswith("INVALID_PARAMETER")
    assert (tmp_path / "here" / "sub" / "b.txt").exists()
