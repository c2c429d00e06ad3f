"""What the routes are built on."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace_ui_gateway.upstream.announcements import RunAnnouncements
from headrace_ui_gateway.upstream.client import ServiceClient
from headrace_ui_gateway.upstream.runs import Runs


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the gateway."""

    api: ServiceClient
    recorder: ServiceClient
    announcements: RunAnnouncements
    runs: Runs = field(init=False)
    """Runs, from both services."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", Runs(self.api, self.recorder, self.announcements))
