"""A short campaign with a fixed seed: no promise is broken."""

from __future__ import annotations

import gc

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
"""What a machine does to a deployment most often. `make chaos` has more."""


# nats-py drops the stream of a connection that breaks while it reconnects; Python closes it.
@pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")
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
    gc.collect()
    if journal.violations:
        report.write(campaign, campaign.bed.folder)
    assert not journal.violations, report.as_text(campaign)
    assert sum(fault.hit for fault in journal.faults) >= 10
