"""Renders the conformance page: support of each feature by KFP, `kfp.local` and Headrace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.runs import Outcome

_HEAD = """# Conformance

Support of each feature of the IR by three engines. `make conformance` writes this page: it runs
the pipelines in `tests/conformance/pipelines`, compiled by the real `kfp` SDK, on a deployment with
the process backend, and compares states, outputs, attempts, metadata and logs with the expected
ones of each case.

- **KFP**: the backend of Kubeflow Pipelines, according to its source and its users' reports.
- **kfp.local**: the SDK's local runner (`SubprocessRunner(use_venv=False)`), as measured by
  `make conformance ORACLE=1`; `-` where a case needs what the runner lacks.
- **Headrace**: as measured by the run that wrote this page.
"""

_COLUMNS = """| feature | KFP | kfp.local | Headrace | case |
|---|---|---|---|---|"""


def render(cases: Mapping[str, Any], outcomes: Sequence[Outcome], local: Mapping[str, str]) -> str:
    """The page, with a section for each topic."""
    by_topic: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        case = cases[outcome.name]
        ours = "yes" if outcome.passed else f"no: {outcome.differences[0]}"
        theirs = local.get(outcome.name, "-")
        by_topic[case["topic"]].append(
            f"| {_cell(case['feature'])} | {_cell(case['kfp'])} | {_cell(theirs)} "
            f"| {_cell(ours)} | `{outcome.name}` |"
        )
    passed = sum(outcome.passed for outcome in outcomes)
    parts = [_HEAD, f"\n{passed} of {len(outcomes)} cases are as expected on Headrace.\n"]
    for topic, rows in by_topic.items():
        parts.append(f"\n## {topic}\n\n{_COLUMNS}\n")
        parts += [row + "\n" for row in rows]
    return "".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")[:200]
