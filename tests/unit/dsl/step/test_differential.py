"""The same functions and executor inputs, executed by kfp's executor and by Headrace's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from headrace.authoring import bootstrap

from tests.support.deployment import ROOT
from tests.unit.dsl.step.cases import CASES

KFP_PYTHON = ROOT / ".kfp" / "bin" / "python"
pytestmark = pytest.mark.skipif(not KFP_PYTHON.exists(), reason="`make kfp` installs the SDK")

KFP_HEADER = "import kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n"

CLEARER = {
    "a plain class": "<class 'tuple'> of function `f`. Must be one of",
    "a set": "<class 'set'> of function `f`. Must be one of",
    "returned without saying so": "function `f` returned a value of type <class 'int'>, but has",
    "said that nothing is returned": "function `f` returned a value of type <class 'int'>, but",
}
"""Cases whose error is clearer than kfp's, with a part of it. The cases have kfp's text."""


def outcomes(python: Path | str, executor: str, sources: list[str]) -> list[dict[str, Any]]:
    cases = [
        {**vars(case), "source": source, "function": "f"}
        for case, source in zip(CASES, sources, strict=True)
    ]
    done = subprocess.run(
        [str(python), str(Path(__file__).with_name("driver.py")), executor],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def of_kfp() -> list[dict[str, Any]]:
    return outcomes(KFP_PYTHON, "kfp", [KFP_HEADER + case.function for case in CASES])


@pytest.fixture(scope="module")
def of_headrace() -> list[dict[str, Any]]:
    sources = [bootstrap.source(case.function) for case in CASES]
    return outcomes(sys.executable, "headrace", sources)


@pytest.fixture(scope="module")
def without_typing() -> list[dict[str, Any]]:
    """Executed in a step that imports `typing` only when the function does."""
    sources = [bootstrap.source(case.function) for case in CASES]
    return outcomes(sys.executable, "headrace-without-typing", sources)


@pytest.fixture(scope="module")
def of_both() -> list[dict[str, Any]]:
    """Components of Headrace's SDK, executed by kfp."""
    sources = [bootstrap.source(case.function) for case in CASES]
    return outcomes(KFP_PYTHON, "kfp", sources)


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case.name for case in CASES])
def test_both_executors_agree(
    index: int,
    of_kfp: list[dict[str, Any]],
    of_headrace: list[dict[str, Any]],
    without_typing: list[dict[str, Any]],
) -> None:
    ours, theirs = of_headrace[index], of_kfp[index]
    clearer = CLEARER.get(CASES[index].name)
    if clearer is not None:
        assert clearer in ours["message"]
        assert theirs["message"].startswith("Unknown return type")
        theirs = {**theirs, "message": ours["message"]}
    assert ours == theirs
    assert without_typing[index] == theirs


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case.name for case in CASES])
def test_kfp_executes_the_source_of_headrace(
    index: int, of_kfp: list[dict[str, Any]], of_both: list[dict[str, Any]]
) -> None:
    assert of_both[index] == of_kfp[index]
