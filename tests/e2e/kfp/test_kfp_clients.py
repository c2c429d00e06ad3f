"""Every call of the real clients of Kubeflow Pipelines, against a running deployment."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kfp.calls import CLIENT, COMMANDS, GENERATED
from tests.e2e.kfp.table import PAGE, page
from tests.support.deployment import ROOT, Deployment

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"

pytestmark = pytest.mark.e2e


def report_of(script: str, deployment: Deployment, folder: Path) -> dict[str, Any]:
    """Runs a script in the environment of kfp. `folder` is its home, since the client writes there.

    Fails when a call of the script fails.
    """
    done = subprocess.run(
        [str(KFP_PYTHON), "-W", "ignore", str(SCRIPTS / script), deployment.url, str(folder)],
        env={**os.environ, "HOME": str(folder), "KFP_TOKEN": deployment.json("token")["token"]},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert not report["failures"], "\n".join(report["failures"].values())
    return report


def test_every_method_of_the_client_works(deployment: Deployment, tmp_path: Path) -> None:
    report = report_of("call_client.py", deployment, tmp_path)
    assert sorted(report["ran"]) == sorted(report["methods"]) == sorted(CLIENT)


def test_every_method_of_the_generated_classes_works(
    deployment: Deployment, tmp_path: Path
) -> None:
    report = report_of("call_generated_api.py", deployment, tmp_path)
    expected = {name: sorted(methods) for name, methods in GENERATED.items()}
    assert {name: sorted(methods) for name, methods in report["generated"].items()} == expected
    assert sorted(report["ran"]) == sorted(chain.from_iterable(expected.values()))


def test_every_command_of_the_program_works(deployment: Deployment, tmp_path: Path) -> None:
    report = report_of("call_commands.py", deployment, tmp_path)
    assert sorted(report["commands"]) == sorted(COMMANDS)
    ran = {name.replace("_", "-") for name in report["ran"]}
    assert ran == {name.replace(" ", "-") for name in COMMANDS}


def test_the_documentation_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.e2e.kfp.table"
