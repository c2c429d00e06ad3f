"""``python -m tests.chaos``: break a deployment at random and check its promises."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path

from tests.chaos import report
from tests.chaos.campaign import Campaign, Settings
from tests.chaos.faults.table import EVERYTHING, KILLS, TABLE


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=_Formatter
    )
    parser.add_argument("--seed", default="", help="of an earlier campaign; default: a new one")
    parser.add_argument("--seconds", type=float, default=180.0, help="of all rounds")
    parser.add_argument("--round-seconds", type=float, default=150.0, help="of one round")
    parser.add_argument(
        "--modes", type=_list, default=(KILLS, EVERYTHING), help="of the rounds, in turn"
    )
    parser.add_argument("--fault-pace", type=float, default=3.0, help="mean pause, in seconds")
    parser.add_argument("--run-pace", type=float, default=1.2, help="mean pause, in seconds")
    parser.add_argument("--burst", type=int, default=50, help="runs that are submitted at once")
    parser.add_argument(
        "--only", type=_list, default=(), help="kinds of faults: " + ", ".join(_names())
    )
    parser.add_argument("--targets", type=_list, default=(), help="only faults of these targets")
    parser.add_argument("--kinds", type=_list, default=(), help="only pipelines of these kinds")
    parser.add_argument(
        "--lull-seconds",
        type=float,
        help="of silence at the end, before a last canary; default 70 in campaigns of 10 minutes "
        "and more, otherwise none",
    )
    parser.add_argument("--settle-seconds", type=float, default=240.0, help="limit for hangs")
    parser.add_argument(
        "--lenient-times", action="store_true", help="report times, but do not judge them"
    )
    parser.add_argument("--output", type=Path, help="folder of chaos.json and chaos.md")
    return parser.parse_args()


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    pass


def _lull(given: argparse.Namespace) -> float:
    """Long enough for idle processes to end, which takes a minute."""
    if given.lull_seconds is None:
        return 70.0 if given.seconds >= 600 else 0.0
    return float(given.lull_seconds)


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _names() -> list[str]:
    return [row.kind.name for row in TABLE]


def main() -> int:
    """Run a campaign; the exit status is 1 if a promise was broken."""
    given = _arguments()
    seed = given.seed or secrets.token_hex(4)
    print(f"seed: {seed}", flush=True)
    settings = Settings(
        seed=seed,
        seconds=given.seconds,
        round_seconds=given.round_seconds,
        modes=given.modes,
        fault_pace=given.fault_pace,
        run_pace=given.run_pace,
        burst=given.burst,
        only=given.only,
        targets=given.targets,
        kinds=given.kinds,
        lull_seconds=_lull(given),
        settle_seconds=given.settle_seconds,
        strict_times=not given.lenient_times,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is broken has to be undone
    campaign = Campaign(settings)
    asyncio.run(campaign.run())
    text = report.as_text(campaign)
    print(text)
    if given.output:
        report.write(campaign, given.output)
    if campaign.journal.violations:
        report.write(campaign, campaign.bed.folder)
        print(f"Details: {campaign.bed.folder}/chaos.json")
    return 1 if campaign.journal.violations else 0


if __name__ == "__main__":
    sys.exit(main())
