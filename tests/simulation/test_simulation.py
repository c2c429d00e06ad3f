"""The services keep their promises under every seed; `make simulate` runs more of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.faults import KINDS
from tests.simulation.mutants import MUTANTS
from tests.simulation.simulate import reduced, simulate
from tests.simulation.substitutes import substituted

_SEEDS = 75
_SEEDS_OF_A_TEST = 25
_SEEDS_OF_A_MUTANT = 30


@pytest.fixture(autouse=True, scope="module")
def _substituted() -> Iterator[None]:
    with substituted():
        yield


@pytest.mark.parametrize("first", range(0, _SEEDS, _SEEDS_OF_A_TEST))
def test_promises_hold(first: int) -> None:
    for seed in range(first, first + _SEEDS_OF_A_TEST):
        outcome = simulate(seed)
        if outcome.violations:
            pytest.fail(reduced(outcome).explain(), pytrace=False)


@pytest.mark.parametrize("kind", KINDS)
def test_promises_hold_under_each_fault_alone(kind: str) -> None:
    for seed in range(3):
        outcome = simulate(seed, [kind])
        if outcome.violations:
            pytest.fail(outcome.explain(), pytrace=False)


@pytest.mark.parametrize("seed", [13, 73, 169])
def test_a_service_ends_although_an_answer_of_the_bus_arrives_meanwhile(seed: int) -> None:
    assert simulate(seed, ["terminate"]).violations == ()


def test_a_seed_repeats_a_simulation() -> None:
    for seed in range(5):
        assert simulate(seed).digest == simulate(seed).digest


@pytest.mark.parametrize("name", MUTANTS)
def test_a_defect_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.in_place():
        found = any(
            violation.promise == mutant.promise
            for seed in range(mutant.first, mutant.first + _SEEDS_OF_A_MUTANT)
            for violation in simulate(seed, mutant.faults).violations
        )
    assert found, f"none of {_SEEDS_OF_A_MUTANT} seeds breaks the promise: {mutant.promise}"
