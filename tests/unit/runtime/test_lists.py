"""Filters, order and page tokens: valid ones become SQL, invalid ones are rejected."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from headrace_runtime.errors import RejectedError
from headrace_runtime.lists.filters import Operation, Predicate, filter_text, parse_filter
from headrace_runtime.lists.page import (
    Arguments,
    Field,
    FieldFamily,
    Kind,
    ListDefinition,
    PageRequest,
)
from headrace_runtime.lists.tokens import TokenSigner
from hypothesis import given
from hypothesis import strategies as st

SIGNER = TokenSigner("secret")
FIELDS = {
    "run_id": Field("run_id", Kind.ID),
    "name": Field("submission ->> 'display_name'", Kind.TEXT, sortable=False),
    "created_at": Field("created_at", Kind.TIME),
    "state": Field("state", Kind.TEXT),
    "archived": Field("archived", Kind.FLAG, sortable=False),
    "experiment_id": Field("experiment_id", Kind.ID, sortable=False),
}
RUNS = ListDefinition("runs", FIELDS, "run_id", SIGNER, sort_prefixes=("metric:",))
TAGGED = ListDefinition(
    "pipelines",
    FIELDS,
    "run_id",
    SIGNER,
    families={"tags.": FieldFamily("(tags ->> {name})", Kind.TEXT)},
)
SQL = "SELECT {sort} FROM run WHERE NOT deleted AND {where} ORDER BY {order} LIMIT {limit}"


def filtered(*predicates: dict[str, Any]) -> str:
    return json.dumps({"predicates": predicates})


def test_the_spellings_of_kfps_clients() -> None:
    text = filtered(
        {"operation": 1, "key": "name", "stringValue": "a"},
        {"operation": "IN", "key": "state", "string_values": {"values": ["FAILED"]}},
        {"operation": "GREATER_THAN", "key": "n", "long_value": "7"},
        {"operation": 6, "key": "created_at", "timestampValue": "2026-01-01T00:00:00Z"},
    )
    assert parse_filter(text) == (
        Predicate("name", Operation.EQUALS, "a"),
        Predicate("state", Operation.IN, ("FAILED",)),
        Predicate("n", Operation.GREATER_THAN, 7),
        Predicate("created_at", Operation.LESS_THAN, datetime(2026, 1, 1, tzinfo=UTC)),
    )
    assert parse_filter("") == parse_filter("{}") == ()


SCALARS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ONE = st.sampled_from([o for o in Operation if o not in (Operation.IN, Operation.NOT_IN)])
SEVERAL = st.sampled_from([Operation.IN, Operation.NOT_IN])
KEYS = st.text(min_size=1, max_size=9)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=1, max_size=9).map(tuple)


@given(
    st.lists(
        st.one_of(
            st.builds(Predicate, KEYS, ONE, SCALARS | NUMBERS | MOMENTS),
            st.builds(Predicate, KEYS, SEVERAL, several(SCALARS)),
            st.builds(Predicate, KEYS, SEVERAL, several(NUMBERS)),
        ),
        max_size=9,
    ).map(tuple)
)  # fmt: skip
def test_a_written_filter_is_read_back(predicates: tuple[Predicate, ...]) -> None:
    if len(filter_text(predicates)) <= 20_000:
        assert parse_filter(filter_text(predicates)) == predicates


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x", "must be JSON"),
        ("[]", "must be a JSON object"),
        ('{"other": 1}', "nothing else"),
        (filtered({"operation": "EQUALS", "key": "name"}), "exactly one value, got 0"),
        (filtered({"operation": 4, "key": "name", "string_value": "a"}), "unknown operation"),
        (filtered({"operation": "LIKE", "key": "name", "string_value": "a"}), "unknown operation"),
        (filtered({"operation": 1, "string_value": "a"}), "must have a 'key'"),
        (filtered({"operation": 8, "key": "name", "string_value": "a"}), "several values"),
        (
            filtered({"operation": 1, "key": "name", "string_values": {"values": ["a"]}}),
            "takes one value",
        ),
        (
            filtered({"operation": 1, "key": "name", "string_value": 7}),
            "string_value of 'name' is not valid",
        ),
        (
            filtered({"operation": 1, "key": "name", "string_value": "a\0"}),
            "string_value of 'name' is not valid",
        ),
        (
            filtered({"operation": 1, "key": "name", "string_value": "\ud800"}),
            "string_value of 'name' is not valid",
        ),
        (
            filtered({"operation": 1, "key": "name", "int_value": 2**63}),
            "int_value of 'name' is not valid",
        ),
        (
            filtered({"operation": 1, "key": "n", "timestamp_value": "0001-01-01T00:00:00+14:00"}),
            "timestamp_value of 'n' is not valid",
        ),
        (
            filtered({"operation": 1, "key": "name", "timestamp_value": "today"}),
            "timestamp_value of 'name' is not valid",
        ),
        (filtered(*[{"operation": 1, "key": "name", "string_value": "a"}] * 21), "more than 20"),
        ("[" * 9000, "must be JSON"),
        ('{"predicates": [' + " " * 20_000, "must not be longer"),
    ],
)
def test_an_invalid_filter_is_rejected(text: str, fault: str) -> None:
    with pytest.raises(RejectedError, match=fault):
        parse_filter(text)


@pytest.mark.parametrize(
    ("predicate", "fault"),
    [
        ({"operation": 1, "key": "secret", "string_value": "a"}, "no field 'secret'"),
        ({"operation": 1, "key": "state) OR (TRUE", "string_value": "a"}, "no field"),
        (
            {"operation": 1, "key": "created_at", "string_value": "a"},
            "not a valid value for 'created_at'",
        ),
        ({"operation": 1, "key": "archived", "string_value": "perhaps"}, "not a valid value"),
        ({"operation": 9, "key": "created_at", "string_value": "a"}, "takes strings"),
        ({"operation": 9, "key": "name", "int_value": 1}, "takes strings"),
    ],
)
def test_a_filter_that_does_not_match_the_fields_of_the_list_is_rejected(
    predicate: Any, fault: str
) -> None:
    with pytest.raises(RejectedError, match=fault):
        RUNS.page(PageRequest(filter=filtered(predicate)))


def test_values_become_arguments_and_never_sql() -> None:
    injected = "'; DROP TABLE run; --"
    predicates = [
        {"operation": "IS_SUBSTRING", "key": "name", "string_value": "50%_\\" + injected},
        {"operation": "IN", "key": "state", "string_values": {"values": [injected, "FAILED"]}},
        {"operation": "EQUALS", "key": "archived", "string_value": "true"},
    ]
    experiment = uuid4()
    page = RUNS.page(
        PageRequest("team", filtered(*predicates), page_size=5, where={"experiment_id": experiment})
    )
    sql, arguments = page.statement(SQL)
    assert injected not in sql
    assert sql == (
        "SELECT created_at FROM run WHERE NOT deleted AND namespace = $1::text"
        " AND experiment_id = $2::uuid AND (submission ->> 'display_name')::text ILIKE $3::text"
        " AND state = ANY($4::text[]) AND archived = $5::boolean AND TRUE"
        " ORDER BY created_at DESC, run_id DESC LIMIT 6"
    )
    assert arguments == [
        "team",
        experiment,
        f"%50\\%\\_\\\\{injected}%",
        [injected, "FAILED"],
        True,
    ]


def test_the_rest_of_a_name_in_a_family_is_an_argument() -> None:
    injected = "team' OR TRUE; --{name}"
    page = TAGGED.page(
        PageRequest(
            filter=filtered(
                {"operation": "EQUALS", "key": f"tags.{injected}", "string_value": "a"},
                {"operation": "NOT_IN", "key": "tags.team", "string_values": {"values": ["b"]}},
            )
        )
    )
    arguments = Arguments()
    assert page.conditions(arguments) == (
        "(tags ->> $1::text) = $2::text AND ((tags ->> $3::text) <> ALL($4::text[])) IS NOT FALSE"
    )
    assert arguments.values == [injected, "a", "team", ["b"]]


@pytest.mark.parametrize("key", ["tags.", "tags", "tagsteam", "tags.a\0", "tags.\ud800"])
def test_a_name_outside_a_family_is_rejected(key: str) -> None:
    text = filtered({"operation": "EQUALS", "key": key, "string_value": "a"})
    with pytest.raises(RejectedError, match="no field"):
        TAGGED.page(PageRequest(filter=text))
    with pytest.raises(RejectedError, match="cannot be sorted"):
        TAGGED.page(PageRequest(sort_by="tags.team"))


def test_an_invalid_id_matches_nothing() -> None:
    one = {"key": "run_id", "string_value": "not-an-id"}
    arguments = Arguments()
    assert (
        RUNS.page(PageRequest(filter=filtered({"operation": 1, **one}))).conditions(arguments)
        == "FALSE"
    )
    assert (
        RUNS.page(PageRequest(filter=filtered({"operation": 2, **one}))).conditions(arguments)
        == "TRUE"
    )
    assert arguments.values == []


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [
        ("", "created_at DESC, run_id DESC"),
        ("created_at", "created_at ASC, run_id ASC"),
        ("created_at asc", "created_at ASC, run_id ASC"),
        ("state DESC", "state DESC, run_id DESC"),
    ],
)
def test_order(sort_by: str, order: str) -> None:
    assert RUNS.page(PageRequest(sort_by=sort_by)).order() == order


@pytest.mark.parametrize(
    "asked", ["name", "nothing", "state up", "state; --", "created_at desc desc"]
)
def test_an_invalid_order_is_rejected(asked: str) -> None:
    with pytest.raises(RejectedError, match="cannot be sorted") as caught:
        RUNS.page(PageRequest(sort_by=asked))
    assert caught.value.rejection.field == "sort_by"


def test_a_page_starts_after_the_page_before() -> None:
    text = filtered({"operation": 1, "key": "state", "string_value": "FAILED"})
    first = RUNS.page(PageRequest("team", text, "created_at asc", page_size=2))
    moment, identity = datetime(2026, 1, 2, tzinfo=UTC), uuid4()
    token = first.next_token(moment, identity, total=41)
    for asked in (
        PageRequest("team", page_token=token),
        PageRequest("team", text, "created_at", page_token=token),
    ):
        page = RUNS.page(asked)
        assert (page.predicates, page.total) == (first.predicates, 41)
        arguments = Arguments()
        assert page.beyond(arguments) == "(created_at, run_id) > ($1::timestamptz, $2::uuid)"
        assert arguments.values == [moment, str(identity)]


@pytest.mark.parametrize(
    "asked",
    [
        PageRequest("other"),
        PageRequest(),
        PageRequest("team", where={"experiment_id": uuid4()}),
        PageRequest("team", sort_by="state"),
        PageRequest("team", filtered({"operation": 1, "key": "state", "string_value": "FAILED"})),
    ],
)
def test_a_token_of_another_list_is_rejected(asked: PageRequest) -> None:
    token = RUNS.page(PageRequest("team")).next_token(datetime.now(UTC), uuid4(), None)
    with pytest.raises(RejectedError, match="page_token was issued for another"):
        RUNS.page(PageRequest(asked.namespace, asked.filter, asked.sort_by, 0, token, asked.where))


def test_a_sort_prefix_is_resolved_by_the_list() -> None:
    page = RUNS.page(PageRequest(sort_by="metric:accuracy desc"))
    assert (page.sort_key, page.descending, page.sort_kind) == (
        "metric:accuracy",
        True,
        Kind.NUMBER,
    )


@given(st.binary(max_size=80))
def test_an_unsigned_token_is_rejected(content: bytes) -> None:
    for token in (base64.urlsafe_b64encode(content).decode(), content.decode("latin-1")):
        if token:
            with pytest.raises(RejectedError, match="page_token is invalid"):
                RUNS.page(PageRequest(page_token=token))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_modified_token_is_rejected(index: int, change: int) -> None:
    token = RUNS.page(PageRequest("team")).next_token(datetime(2026, 1, 2, tzinfo=UTC), uuid4(), 3)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[index % len(raw)] ^= change
    with pytest.raises(RejectedError, match="page_token is invalid"):
        RUNS.page(PageRequest("team", page_token=base64.urlsafe_b64encode(bytes(raw)).decode()))


def test_a_token_of_another_deployment_is_rejected() -> None:
    token = RUNS.page(PageRequest()).next_token(datetime.now(UTC), uuid4(), None)
    other = ListDefinition("runs", FIELDS, "run_id", TokenSigner("other"))
    with pytest.raises(RejectedError, match="page_token is invalid"):
        other.page(PageRequest(page_token=token))
