"""CloudEvents attributes in headers, written and parsed, from any producer."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from headrace_contracts.messages.cloudevents import Attributes, attributes, headers

EVENT_ID = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")
AT = datetime(2026, 11, 24, 9, 15, 2, tzinfo=UTC)


def test_headers_carry_the_attributes_and_the_deduplication_id() -> None:
    assert headers(EVENT_ID, "scheduler", "run.started", "some-run", AT) == {
        "Nats-Msg-Id": str(EVENT_ID),
        "ce-specversion": "1.0",
        "ce-id": str(EVENT_ID),
        "ce-source": "/headrace/scheduler",
        "ce-type": "run.started",
        "ce-time": "2026-11-24T09:15:02+00:00",
        "ce-datacontenttype": "application/json",
        "ce-subject": "some-run",
    }


def test_a_message_that_is_not_about_a_run_has_no_subject() -> None:
    assert "ce-subject" not in headers(EVENT_ID, "api", "submission.rejected", None, AT)


def test_sent_headers_are_parsed_back() -> None:
    sent = headers(EVENT_ID, "scheduler", "run.started", "some-run", AT)
    assert attributes(sent, "fallback") == Attributes(
        id=str(EVENT_ID),
        source="/headrace/scheduler",
        type="run.started",
        time="2026-11-24T09:15:02+00:00",
        subject="some-run",
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, Attributes(id="fallback", source="", type="")),
        ({}, Attributes(id="fallback", source="", type="")),
        ({"nats-msg-id": "n1"}, Attributes(id="n1", source="", type="")),
        ({"CE-ID": "c1", "Nats-Msg-Id": "n1"}, Attributes(id="c1", source="", type="")),
        ({"ce-id": "", "Nats-Msg-Id": "n1"}, Attributes(id="n1", source="", type="")),
        (
            {"Ce-Type": "run.submit", "ce-dataref": "s3://b/k", "Traceparent": "00-ab-cd-01"},
            Attributes(
                id="fallback",
                source="",
                type="run.submit",
                dataref="s3://b/k",
                traceparent="00-ab-cd-01",
            ),
        ),
    ],
)
def test_headers_of_any_case_or_none_are_parsed(
    sent: dict[str, str] | None, expected: Attributes
) -> None:
    assert attributes(sent, "fallback") == expected
