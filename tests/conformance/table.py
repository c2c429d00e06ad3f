"""The conformance table: what KFP's backend, its local runner and Headrace do with each case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.runs import Outcome

_HEAD = """# Conformance

What happens to each feature of the IR, on three engines. Written by `make conformance`, which runs
the project's own pipelines (`tests/conformance/pipelines`, compiled by the real `kfp` SDK) through
all five services with the process backend, and holds states, outputs, attempts, metadata and logs
against what each case expects.

- **KFP**: Kubeflow Pipelines' own backend, as its source and its users' reports tell.
- **kfp.local**: the SDK's local runner (`SubprocessRunner(use_venv=False)`), as `make conformance
  ORACLE=1` has measured it; `-` where a case needs more than it can be given.
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
