"""``python -m tests.mutual [PATTERN ...]``: compiles every source with both SDKs, runs both
packages on a new deployment, and compares the results. With patterns: only sources whose names
contain one.

The exit status is 0 when all results are the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from headrace.client import Client

from tests.differential.suite import compile_with_both
from tests.mutual import selection
from tests.mutual.runs import Comparison, compare_all
from tests.mutual.sources import Source, hindrance, sources
from tests.support.deployment import Deployment


def report(comparisons: Sequence[Comparison], left_out: Mapping[str, str]) -> Iterator[str]:
    """A table of the final states, then the sources that did not succeed, those that were not run,
    and every difference."""
    rows: defaultdict[str, list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        rows[comparison.ended].append(comparison)
    yield f"{'ended':<40} {'sources':>8} {'equal':>8}"
    for ended, found in sorted(rows.items(), key=lambda row: -len(row[1])):
        yield f"{ended:<40} {len(found):>8} {sum(not each.differences for each in found):>8}"
    for ended, found in rows.items():
        if ended != "SUCCEEDED":
            yield f"\n{ended}:"
            yield from (f"  {each.name}: {_line(each.message)}" for each in found)
    yield f"\nnot run: {len(left_out)}"
    for reason, count in Counter(left_out.values()).most_common():
        yield f"  {reason} ({count}):"
        yield from (f"    {name}" for name, given in left_out.items() if given == reason)
    yield "\nknown differences:"
    for reason in sorted(set().union(*(comparison.known for comparison in comparisons))):
        yield f"  {reason}:"
        yield from (f"    {each.name}" for each in comparisons if reason in each.known)
    yield ""
    for comparison in comparisons:
        yield from (f"{comparison.name}: {each}" for each in comparison.differences)
    equal = sum(not comparison.differences for comparison in comparisons)
    yield f"{equal} of {len(comparisons)} have the same result with both SDKs"


def _line(text: str) -> str:
    return " ".join(text.split())[:160]


def _compiled() -> list[Source]:
    with tempfile.TemporaryDirectory() as folder:
        return list(sources(compile_with_both(Path(folder))))


def main() -> int:
    """Compile, run, compare, and print a report."""
    parser = argparse.ArgumentParser(prog="make mutual ARGS=", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="a part of a source's name")
    parser.add_argument(
        "--select", action="store_true", help="only choose the sources that the tests run"
    )
    given = parser.parse_args()
    found = _compiled()
    if given.select:
        selection.write([source for source in found if hindrance(source.ir) is None])
        return 0
    if given.patterns:
        found = [each for each in found if any(part in each.name for part in given.patterns)]
    return _run(found)


def _run(found: Sequence[Source]) -> int:
    """1 when a source has a difference that is not known."""
    deployment = Deployment()
    try:
        deployment.up()
        reasons = {source.name: hindrance(source.ir) for source in found}
        left_out = {name: reason for name, reason in reasons.items() if reason}
        executed = [source for source in found if source.name not in left_out]
        with Client(deployment.url) as client:
            comparisons = compare_all(client, executed)
    finally:
        deployment.remove()
    sys.stdout.writelines(line + "\n" for line in report(comparisons, left_out))
    return int(any(comparison.differences for comparison in comparisons))


if __name__ == "__main__":
    sys.exit(main())
