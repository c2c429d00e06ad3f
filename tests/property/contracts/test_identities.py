"""Properties of ids, partitions and tokens."""

from __future__ import annotations

import re
from uuid import RFC_4122, UUID

from headrace_contracts.ids import uuid7
from headrace_contracts.messages import subjects
from hypothesis import given
from hypothesis import strategies as st

MOMENTS = st.integers(0, 2**48 - 1)
RANDOM = st.integers(0, 2**80 - 1)


@given(MOMENTS, RANDOM)
def test_a_uuid7_has_its_version_variant_time_and_random_bits(moment: int, random: int) -> None:
    made = uuid7(moment, random)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == moment
    kept = ((made.int >> 64) & 0xFFF) << 62 | made.int & (2**62 - 1)
    assert kept == random % 2**74


@given(MOMENTS, MOMENTS, RANDOM, RANDOM)
def test_uuid7s_sort_by_time(early: int, late: int, a: int, b: int) -> None:
    if early < late:
        assert str(uuid7(early, a)) < str(uuid7(late, b))


@given(st.uuids())
def test_a_partition_is_one_of_the_64(run_id: UUID) -> None:
    assert 0 <= subjects.partition(run_id) < subjects.PARTITIONS == 64


@given(st.text(max_size=200))
def test_a_token_is_always_one_plain_subject_token(text: str) -> None:
    token = subjects.token(text)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", token)
    assert token == subjects.token(token)
    assert subjects.submission_event(text, "accepted").count(".") == 3
