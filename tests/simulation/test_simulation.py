"""The services keep their promises under every seed; `make simulate` runs more of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.faults import KINDS
from tests.simulation.mutants import MUTANTS
from tests.simulation.simulate import Outcome, reduced, simulate
from tests.simulation.substitutes import substituted

_BROKEN = frozenset(
    {
        "no two executions of an attempt at a time",
        "an attempt that has a result is not run again",
        "no folder is left",
    }
)
"""Promises that the executor does not keep: a launch gets two launchers when an answer comes too
late, or when executor and launcher die before the start is stored; and it leaves the folder of an
attempt behind when it dies between the commit of the end and the removal."""
_SEEDS = 150
_SEEDS_OF_A_TEST = 25
_SEEDS_OF_A_MUTANT = 30


@pytest.fixture(autouse=True, scope="module")
def _substituted() -> Iterator[None]:
    with substituted():
        yield


@pytest.mark.parametrize("first", range(0, _SEEDS, _SEEDS_OF_A_TEST))
def test_promises_hold(first: int) -> None:
    for seed in range(first, first + _SEEDS_OF_A_TEST):
        outcome = _kept(simulate(seed))
        if outcome.violations:
            pytest.fail(reduced(outcome).explain(), pytrace=False)


def _kept(outcome: Outcome) -> Outcome:
    """The outcome without the promises that are known to be broken."""
    kept = tuple(one for one in outcome.violations if one.promise not in _BROKEN)
    return replace(outcome, violations=kept)


@pytest.mark.parametrize(
    ("seed", "faults", "promise"),
    [
        (25, None, "an attempt that has a result is not run again"),
        (2, ["freeze at a launch"], "an attempt that has a result is not run again"),
        (8, None, "no two executions of an attempt at a time"),
        (42, None, "no folder is left"),
    ],
)
def test_broken_promises_are_found(seed: int, faults: list[str] | None, promise: str) -> None:
    assert promise in {one.promise for one in simulate(seed, faults).violations}


@pytest.mark.parametrize("kind", KINDS)
def test_promises_hold_under_each_fault_alone(kind: str) -> None:
    for seed in range(3):
        outcome = _kept(simulate(seed, [kind]))
        if outcome.violations:
            pytest.fail(outcome.explain(), pytrace=False)


def test_a_seed_repeats_a_simulation() -> None:
    for seed in range(5):
        assert simulate(seed).digest == simulate(seed).digest


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.in_place():
        found = any(
            violation.promise == mutant.promise
            for seed in range(_SEEDS_OF_A_MUTANT)
            for violation in simulate(seed, mutant.faults).violations
        )
    assert found, f"no seed below {_SEEDS_OF_A_MUTANT} breaks the promise: {mutant.promise}"
