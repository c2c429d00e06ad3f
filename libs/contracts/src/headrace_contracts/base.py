"""The base class of messages and resources: frozen, and tolerant of unknown fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = Annotated[datetime, AwareDatetime]
"""A time with a time zone; RFC 3339 in JSON."""


class Contract(BaseModel):
    """A value that crosses a process boundary. Readers ignore unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    def to_json(self) -> bytes:
        """Compact JSON, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()
