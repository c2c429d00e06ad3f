"""CloudEvents 1.0 in NATS binary mode: attributes are ``ce-`` headers, the body is JSON.

Source: CloudEvents 1.0.2, and its NATS protocol binding, section 3.1. The extension ``dataref``
(claim check) says that the body is in object storage, because messages are limited in size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

MESSAGE_ID = "Nats-Msg-Id"
"""The header with which JetStream drops duplicates within its duplicate window."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The context attributes of one message."""

    id: str
    source: str
    type: str
    time: str | None = None
    subject: str | None = None
    dataref: str | None = None
    traceparent: str | None = None

    def occurred_at(self, otherwise: datetime) -> datetime:
        """When the event occurred; `otherwise` if the time is missing or malformed. A time without
        a zone is UTC."""
        try:
            at = datetime.fromisoformat(self.time or "")
        except ValueError:
            return otherwise
        return at if at.tzinfo else at.replace(tzinfo=UTC)


def headers(
    event_id: UUID, service: str, kind: str, run: str | None, at: datetime
) -> dict[str, str]:
    """The headers of a message that a service publishes."""
    fields = {
        MESSAGE_ID: str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-source": f"/headrace/{service}",
        "ce-type": kind,
        "ce-time": at.isoformat(),
        "ce-datacontenttype": "application/json",
    }
    if run is not None:
        fields["ce-subject"] = run
    return fields


def attributes(message_headers: Mapping[str, str] | None, fallback_id: str) -> Attributes:
    """The attributes of a received message; `fallback_id` if it has no id."""
    found = {key.lower(): value for key, value in (message_headers or {}).items()}
    return Attributes(
        id=found.get("ce-id") or found.get(MESSAGE_ID.lower()) or fallback_id,
        source=found.get("ce-source", ""),
        type=found.get("ce-type", ""),
        time=found.get("ce-time"),
        subject=found.get("ce-subject"),
        dataref=found.get("ce-dataref"),
        traceparent=found.get("traceparent"),
    )
