"""Recurring runs: small pipelines every few seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.chaos.testbed import Testbed

INTERVALS = (5, 13)
_WATCH_SECONDS = 3.0
_PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Recurring:
    """A recurring run and the slots for which runs were seen."""

    recurring_run_id: str
    every: int
    created: float
    disabled: float | None = None
    slots: dict[str, float] = field(default_factory=dict)
    """The scheduled time of each run."""
    early: dict[str, float] = field(default_factory=dict)
    """The runs that were seen before their scheduled time, and by how many seconds."""


class RecurringRuns:
    """Creates recurring runs, and watches what they submit."""

    def __init__(self, bed: Testbed, package: str) -> None:
        self._bed = bed
        self._package = package
        self.made: list[Recurring] = []

    async def create(self) -> None:
        """Create one for each interval."""
        for every in INTERVALS:
            body = {
                "display_name": f"every {every} s",
                "trigger": {"interval_seconds": every},
                "package": self._package,
                "parameters": {"tag": "[[ScheduledTime]]"},
                "max_concurrency": 10,
                "caching": False,
            }
            response = await self._bed.request("POST", "/api/v1/recurring-runs", json=body)
            assert response is not None
            assert response.status_code == 201, response.text
            made = response.json()["recurring_run_id"]
            self.made.append(Recurring(made, every, time.time()))

    async def watch(self, until: float) -> None:
        """Look at the newest runs now and then: none is for a slot in the future."""
        while time.monotonic() < until:
            for recurring in self.made:
                await self._look(recurring)
            await asyncio.sleep(_WATCH_SECONDS)

    async def disable(self) -> None:
        """Let no more slots be due."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for recurring in self.made:
            path = f"/api/v1/recurring-runs/{recurring.recurring_run_id}/disable"
            while time.monotonic() < deadline:
                response = await self._bed.request("POST", path)
                if response is not None and response.status_code == 200:
                    break
                await asyncio.sleep(0.5)
            recurring.disabled = time.time()

    async def collect(self) -> None:
        """Read all runs of all recurring runs."""
        for recurring in self.made:
            token: str | None = ""
            while token is not None:
                page = await self._bed.get("/api/v1/runs", params=_query(recurring, token))
                _note(recurring, page["runs"])
                token = page["next_page_token"]

    async def _look(self, recurring: Recurring) -> None:
        response = await self._bed.request(
            "GET", "/api/v1/runs", params=_query(recurring, ""), patience=5
        )
        if response is not None and response.status_code == 200:
            _note(recurring, response.json()["runs"])


def _query(recurring: Recurring, token: str) -> dict[str, Any]:
    query = {
        "recurring_run_id": recurring.recurring_run_id,
        "sort_by": "created_at desc",
        "page_size": 200,
    }
    return {**query, "page_token": token} if token else query


def _note(recurring: Recurring, runs: list[dict[str, Any]]) -> None:
    now = time.time()
    for run in runs:
        if run["run_id"] not in recurring.slots:
            slot = datetime.fromisoformat(run["scheduled_at"]).timestamp()
            recurring.slots[run["run_id"]] = slot
            if slot > now + 1:
                recurring.early[run["run_id"]] = slot - now
