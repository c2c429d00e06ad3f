"""Runs the suite's cases with `kfp.local`: ``python -m tests.conformance.local``, in an environment
with the real SDK, writes ``local.json``, whose results the conformance table shows.

Steps run in the same environment, which has the SDK already and must not change, so `pip` is
replaced by a program and a module that do nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conformance.cases import PATH
from tests.conformance.compile import modules

_RESULTS = Path(__file__).with_name("local.json")
_MAX_SECONDS = 120


def environment(folder: Path) -> dict[str, str]:
    """Environment variables with this Python first on the path, and a `pip` that does nothing."""
    program = folder / "pip"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (folder / "pip.py").write_text("")
    return {
        **os.environ,
        "PATH": os.pathsep.join(
            (str(folder), str(Path(sys.executable).parent), os.environ["PATH"])
        ),
        "PYTHONPATH": str(folder),
    }


def measure(name: str, env: dict[str, str]) -> str:
    """The result of one case, which runs in a new process."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.conformance.local", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_MAX_SECONDS, check=False, env=env
        )
    except subprocess.TimeoutExpired:
        return "no: it does not end"
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines and done.returncode == 0 else f"no: {_last_line(done.stderr)}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:150] if lines else "no output"


def run_here(case: Any) -> str:
    """Run a case's pipeline with `kfp.local`, and compare its state and outputs."""
    from kfp import local

    with tempfile.TemporaryDirectory() as folder:
        local.init(
            runner=local.SubprocessRunner(use_venv=False),
            pipeline_root=f"{folder}/root",
            workspace_root=f"{folder}/workspace",
            raise_on_error=True,
        )
        given = {
            name: f"{folder}/{name}" if value == PATH else value
            for name, value in case.args.items()
        }
        try:
            task = case.pipeline(**given)
        except Exception as error:
            said = re.sub(r"\x1b\[\d+m", "", str(error))  # names are coloured
            words = said.strip().splitlines() or [type(error).__name__]
            failed = case.state == "FAILED"
            return "yes" if failed else f"no: {words[0][:150]}"
        if case.state == "FAILED":
            return "no: it does not fail"
        for name, value in case.outputs.items():
            made = task.outputs.get(name)
            if made != value:
                return f"no: output {name!r} is {str(made)[:80]!r}"
    return "yes"


def main(arguments: list[str]) -> None:
    """Run one case by name, or run all and write the results."""
    cases = {case.pipeline.name: case for module in modules() for case in module.CASES}
    if arguments:
        sys.stdout.write("\n" + run_here(cases[arguments[0]]) + "\n")
        return
    names = [name for name, case in cases.items() if case.local]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        env = environment(Path(folder))
        found = dict(zip(names, pool.map(lambda name: measure(name, env), names), strict=True))
    _RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
