"""Tables of a campaign, for the terminal, as JSON and as Markdown."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.chaos.checks.effects import counted
from tests.chaos.journal import Fault, Journal, Submission

if TYPE_CHECKING:
    from tests.chaos.campaign import Campaign

_AROUND_SECONDS = 30.0
_SHOWN = 8
"""So many violations of each check are in the text."""


def write(campaign: Campaign, folder: Path) -> None:
    """Write ``chaos.json`` and ``chaos.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chaos.json").write_text(json.dumps(as_json(campaign), indent=1, default=str))
    (folder / "chaos.md").write_text(as_text(campaign) + "\n")


def as_json(campaign: Campaign) -> dict[str, Any]:
    """Everything, for programs."""
    journal = campaign.journal
    return {
        "seed": journal.seed,
        "settings": asdict(campaign.settings),
        "began": journal.began,
        "folder": str(campaign.bed.folder),
        "violations": [
            {**asdict(v), "faults": [_line(f) for f in _around(journal, v.at)]}
            for v in journal.violations
        ],
        "faults": [asdict(fault) for fault in journal.faults],
        "submissions": [
            {**asdict(one), "states": sorted(one.states)} for one in journal.submissions
        ],
        "answers": [asdict(answer) for answer in journal.answers],
        "skipped": journal.skipped,
    }


def as_text(campaign: Campaign) -> str:
    """The tables, as Markdown."""
    journal = campaign.journal
    parts = [
        f"Seed `{journal.seed}`, {campaign.settings.seconds:.0f} s, "
        f"{len(campaign.observations)} observations.",
        _table(("faults", "count", "hit", "recovery median s", "max s"), _fault_rows(journal)),
        _table(("workload", "count"), _workload_rows(campaign)),
        _table(
            ("canaries", "count", "median s", "95 % s", "max s"),
            _canary_rows(campaign),
        ),
    ]
    if journal.skipped:
        parts.append(_table(("skipped", "why"), sorted(journal.skipped.items())))
    parts.append(_violations(journal))
    return "\n\n".join(parts)


def recovery_seconds(journal: Journal, fault: Fault) -> float | None:
    """From the end of a fault to the end of the first canary that was submitted after it."""
    if fault.ended is None:
        return None
    ends = [
        one.seen_ended - fault.ended
        for one in journal.canaries()
        if one.seen_ended is not None and one.sent >= fault.ended
    ]
    return min(ends, default=None)


def _fault_rows(journal: Journal) -> Iterable[Sequence[object]]:
    groups: dict[str, list[Fault]] = defaultdict(list)
    for fault in journal.faults:
        groups[f"{fault.kind} {fault.target}"].append(fault)
    for name, faults in sorted(groups.items()):
        times = [t for f in faults if f.hit and (t := recovery_seconds(journal, f)) is not None]
        hits = sum(fault.hit for fault in faults)
        worst = max(times) if times else "-"
        yield name, len(faults), hits, median(times) if times else "-", worst
    yield "all", len(journal.faults), sum(fault.hit for fault in journal.faults), "", ""


def _workload_rows(campaign: Campaign) -> Iterable[Sequence[object]]:
    journal = campaign.journal
    doors = Counter(one.door for one in journal.submissions)
    for door, count in sorted(doors.items()):
        yield f"submissions by {door}", count
    yield "requests for them", sum(one.requests for one in journal.submissions)
    operations = Counter(op.kind for one in journal.submissions for op in one.operations)
    for kind, count in sorted(operations.items()):
        yield f"operations: {kind}", count
    states: Counter[str] = Counter()
    for seen in campaign.observations[:-1]:
        states += Counter(run["state"] for run in seen.runs.values())
    for state, count in sorted(states.items()):
        yield f"runs {state}", count
    effects: Counter[str] = Counter()
    for seen in campaign.observations[:-1]:
        effects += counted(seen)
    for what, count in sorted(effects.items()):
        yield f"steps: {what}", count
    slots = campaign.observations[-1].recurring if campaign.observations else []
    yield "recurring slots", sum(len(one.slots) for one in slots)
    yield "streams of events", len(journal.streams)
    if campaign.observations and (idle := campaign.observations[-1].idle_cpu) is not None:
        yield "idle CPU, cores", f"{idle:.3f}"


def _canary_rows(campaign: Campaign) -> Iterable[Sequence[object]]:
    journal = campaign.journal
    modes: dict[str, list[Submission]] = defaultdict(list)
    for number in range(1, journal.round + 1):
        mode = campaign.settings.modes[(number - 1) % len(campaign.settings.modes)]
        modes[mode] += journal.canaries(number)
    for mode, canaries in modes.items():
        took = sorted(one.seen_ended - one.sent for one in canaries if one.seen_ended is not None)
        if took:
            yield mode, len(canaries), median(took), took[int(len(took) * 0.95)], took[-1]


def _violations(journal: Journal) -> str:
    if not journal.violations:
        return "No violations."
    counts = Counter(violation.check for violation in journal.violations)
    lines = [_table(("violations", "count"), sorted(counts.items()))]
    shown: Counter[str] = Counter()
    for violation in journal.violations:
        shown[violation.check] += 1
        if shown[violation.check] > _SHOWN:
            continue
        at = "" if violation.at is None else f" at {violation.at - journal.began:.1f} s"
        lines.append(f"- **{violation.check}**{at} {violation.subject}: {violation.message}")
        if around := _around(journal, violation.at):
            lines.append("  - faults before: " + "; ".join(map(_line, around[-6:])))
    if len(journal.violations) > sum(min(count, _SHOWN) for count in counts.values()):
        lines.append("- and more, in `chaos.json`")
    return "\n".join(lines)


def _around(journal: Journal, at: float | None) -> list[Fault]:
    """The faults of the half minute before a time."""
    if at is None:
        return []
    return [fault for fault in journal.faults if fault.active_at(at, _AROUND_SECONDS)]


def _line(fault: Fault) -> str:
    began = time.strftime("%H:%M:%S", time.localtime(fault.began))
    lasted = "" if fault.ended is None else f" for {fault.ended - fault.began:.1f} s"
    return f"{fault.number} {fault.kind} {fault.target} at {began}{lasted} ({fault.detail})"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
