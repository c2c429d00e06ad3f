"""What the routes are built on."""

from __future__ import annotations

from dataclasses import dataclass

from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the gateway."""

    api: ServiceClient
    recorder: ServiceClient
    announcements: RunAnnouncements

    @property
    def runs(self) -> Runs:
        """Runs, from both services."""
        return Runs(self.api, self.recorder, self.announcements)
