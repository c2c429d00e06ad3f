"""Run many seeds: ``python -m tests.simulation --help``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import defaultdict

from tests.simulation.faults import KINDS
from tests.simulation.simulate import Outcome, reduced, simulate
from tests.simulation.substitutes import substituted

_kinds: list[str] | None = None
_substituting = substituted()


def main() -> int:
    """Simulate the seeds; exits with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", help="a seed, or FIRST-LAST")
    parser.add_argument("--faults", help=f"only these, with commas between: {', '.join(KINDS)}")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--whole", action="store_true", help="print the whole trace of a seed")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    kinds = options.faults.split(",") if options.faults else None
    if len(seeds) == 1:
        with substituted():
            return _show(simulate(seeds[0], kinds), whole=options.whole)
    return _run(seeds, kinds, options.workers)


def _show(outcome: Outcome, *, whole: bool) -> int:
    shown = outcome if whole or not outcome.violations else reduced(outcome)
    print("\n".join(map(str, shown.trace.lines)) if whole else shown.explain())
    return int(bool(outcome.violations))


def _run(seeds: range, kinds: list[str] | None, workers: int) -> int:
    broken: dict[str, list[int]] = defaultdict(list)
    began = time.monotonic()
    seconds = processor_seconds = 0.0
    executions = 0
    with multiprocessing.Pool(workers, _prepare, (kinds,), maxtasksperchild=200) as pool:
        for one in pool.imap_unordered(_one, seeds, chunksize=4):
            seconds += one.virtual_seconds
            processor_seconds += one.cpu_seconds
            executions += one.executions
            for promise in sorted({violation.promise for violation in one.violations}):
                broken[promise].append(one.seed)
                print(f"seed {one.seed}: {promise}", flush=True)
    print(
        f"{len(seeds)} seeds, {executions} executions, {seconds:.0f} simulated seconds in "
        f"{processor_seconds:.0f} s of processors, {time.monotonic() - began:.0f} s"
    )
    for promise, found in broken.items():
        print(f"broken in {len(found)} seeds: {promise}; first {sorted(found)[:10]}")
    if broken:
        print("Show one with: make simulate SEEDS=<seed>")
    return int(bool(broken))


def _prepare(kinds: list[str] | None) -> None:
    global _kinds
    _kinds = kinds
    _substituting.__enter__()


def _one(seed: int) -> Outcome:
    return simulate(seed, _kinds).without_trace()


if __name__ == "__main__":
    sys.exit(main())
