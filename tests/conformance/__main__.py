"""``python -m tests.conformance [CORPUS | --own-sdk]``: runs the suite, or a corpus, on a new
deployment.

The suite's results are written to ``docs/conformance.md``, except with ``--own-sdk``, which
compiles the suite with Headrace's SDK. The exit status is 0 when every case is as expected.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from headrace.client import Client

from tests.conformance import corpus, table
from tests.conformance.runs import Outcome, check_all, check_case
from tests.conformance.suite import compiled, compiled_by_headrace
from tests.support.deployment import ROOT, Deployment

_DOCUMENT = ROOT / "docs" / "conformance.md"
_LOCAL = Path(__file__).with_name("local.json")


def run_suite(client: Client, own_sdk: bool = False) -> tuple[dict[str, Any], list[Outcome]]:
    """Run every case of the suite. Returns the cases by name, and their outcomes."""
    packages, cases = compiled_by_headrace() if own_sdk else compiled()
    return cases, check_all(
        lambda name: check_case(client, name, packages[name], cases[name]), cases
    )


def run_corpus(client: Client, folder: Path) -> list[Outcome]:
    """Run every entry of a corpus, and upload each of its invalid packages."""
    found = corpus.entries(folder)
    outcomes = check_all(lambda name: corpus.check_entry(client, folder, name, found[name]), found)
    return outcomes + corpus.check_invalid(client.url, folder)


def main(arguments: list[str]) -> int:
    """Run, print a line for each difference, and the number of cases that passed."""
    deployment = Deployment()
    try:
        deployment.up()
        client = Client(deployment.url)
        if arguments == ["--own-sdk"]:
            _, outcomes = run_suite(client, own_sdk=True)
        elif arguments:
            outcomes = run_corpus(client, Path(arguments[0]))
        else:
            cases, outcomes = run_suite(client)
            local = json.loads(_LOCAL.read_text()) if _LOCAL.exists() else {}
            _DOCUMENT.write_text(table.render(cases, outcomes, local))
    finally:
        deployment.remove()
    for outcome in outcomes:
        for difference in outcome.differences:
            sys.stdout.write(f"{outcome.name}: {difference}\n")
    passed = sum(outcome.passed for outcome in outcomes)
    sys.stdout.write(f"{passed} of {len(outcomes)} as expected\n")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
