"""``headrace completion``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from headrace.cli import main


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = invoke("completion", shell)
    assert (result.exit_code, "_HEADRACE_COMPLETE" in result.stdout) == (0, True)
    assert json.loads(invoke("completion", shell, "--json").stdout)["shell"] == shell


def test_completion_without_a_deployment(tmp_path: Path) -> None:
    environment = {
        "COMP_WORDS": f"headrace --data {tmp_path} run get ",
        "COMP_CWORD": "5",
        "_HEADRACE_COMPLETE": "bash_complete",
    }
    result = CliRunner().invoke(main, [], env=environment, prog_name="headrace")
    assert (result.exit_code, result.output.strip()) == (0, "")
