"""A seed gives the same faults and the same workload, whatever the deployment does."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from tests.chaos.faults.table import EVERYTHING, KILLS, TABLE, sequence
from tests.chaos.workload.pipelines import build, compile_all
from tests.chaos.workload.submitter import orders


@pytest.mark.parametrize("mode", [KILLS, EVERYTHING])
def test_a_seed_repeats_the_faults(mode: str) -> None:
    first, second = (list(islice(sequence(Random("s"), mode, 3.0), 200)) for _ in range(2))
    assert first == second
    assert first != list(islice(sequence(Random("t"), mode, 3.0), 200))


def test_every_kind_of_fault_is_drawn() -> None:
    drawn = Counter(p.kind.name for p in islice(sequence(Random("s"), EVERYTHING, 3.0), 1000))
    assert set(drawn) == {row.kind.name for row in TABLE}


def test_rounds_of_kills_only_kill() -> None:
    drawn = {p.kind.name for p in islice(sequence(Random("s"), KILLS, 3.0), 500)}
    assert drawn == {"kill", "kill-at-start", "kill-supervisor"}


def test_a_sequence_can_be_narrowed() -> None:
    planned = islice(sequence(Random("s"), KILLS, 3.0, only=["stop"], targets=["nats"]), 20)
    assert {(p.kind.name, p.drawn.target) for p in planned} == {("stop", "nats")}


def test_a_seed_repeats_the_workload(tmp_path: Path) -> None:
    kinds = build(tmp_path)
    first, second = (list(islice(orders(Random("s"), kinds, 1.0, 50), 300)) for _ in range(2))
    assert first == second
    assert {order.kind.name for order in first} == {kind.name for kind in kinds if kind.weight}


def test_all_pipelines_compile(tmp_path: Path) -> None:
    kinds = build(tmp_path)
    assert set(compile_all(kinds, tmp_path)) == {kind.name for kind in kinds}
