"""A short campaign with a fixed seed: no promise is broken."""

from __future__ import annotations

import pytest

from tests.chaos import report
from tests.chaos.campaign import Campaign, Settings
from tests.support.waiting import HANG_SECONDS

pytestmark = pytest.mark.e2e

_KINDS = (
    "kill",
    "kill-at-start",
    "kill-supervisor",
    "terminate",
    "stop",
    "restart",
    "up-during-down",
)
"""Full disks and networks have tests of their own, and are part of `make chaos`."""


async def test_no_promise_is_broken() -> None:
    """Times are not judged, since other tests use the machine."""
    settings = Settings(
        seed="three minutes",
        seconds=120,
        round_seconds=120,
        only=_KINDS,
        run_pace=2.0,
        canary_seconds=4.0,
        settle_seconds=HANG_SECONDS,
        strict_times=False,
    )
    campaign = Campaign(settings)
    journal = await campaign.run()
    if journal.violations:
        report.write(campaign, campaign.bed.folder)
    assert not journal.violations, report.as_text(campaign)
    assert sum(fault.hit for fault in journal.faults) >= 10
