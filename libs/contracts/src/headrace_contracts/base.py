"""The one base of every message and resource: frozen, tolerant of fields it does not know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict

Instant = Annotated[datetime, AwareDatetime]
"""A moment with a time zone, RFC 3339 on the wire."""


class Contract(BaseModel):
    """A value that crosses a process boundary. Readers ignore what they do not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    def to_json(self) -> bytes:
        """The compact JSON of this value, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()
