"""A campaign: rounds of workload and faults, each followed by quiet and by checks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.chaos import processes
from tests.chaos.checks import inside
from tests.chaos.checks.collect import collect, list_runs
from tests.chaos.checks.observation import Observation
from tests.chaos.checks.table import CHECKS, OF_THE_JOURNAL, check_all
from tests.chaos.faults.kind import Drawn, FaultKind
from tests.chaos.faults.restarts import Restart
from tests.chaos.faults.table import EVERYTHING, KILLS, TABLE, sequence
from tests.chaos.journal import ENDED, Fault, Journal, Status, Violation
from tests.chaos.processes import DAEMONS
from tests.chaos.testbed import Testbed
from tests.chaos.workload import pipelines
from tests.chaos.workload.recurring import RecurringRuns
from tests.chaos.workload.streams import Streams
from tests.chaos.workload.submitter import Submitter, orders

_STATUS_SECONDS = 5.0
_WATCH_SECONDS = 1.0
_HEARTBEAT_SECONDS = 15.0
_IDLE_SECONDS = 10.0
_CARE_SECONDS = 8.0
_LONGER_SECONDS = 15.0
"""How much longer than the lull its step takes."""
_LULL_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a campaign is to do."""

    seed: str
    seconds: float = 180.0
    round_seconds: float = 150.0
    modes: tuple[str, ...] = (KILLS, EVERYTHING)
    fault_pace: float = 3.0
    run_pace: float = 1.2
    canary_seconds: float = 2.5
    burst: int = 50
    only: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    lull_seconds: float = 0.0
    """How long the deployment is left alone at the end, before a last canary."""
    settle_seconds: float = 240.0
    """How long runs, and what they leave, may take to end when the faults are over."""
    strict_times: bool = True


class Campaign:
    """Runs rounds until the time is over, and keeps everything in its journal."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.journal = Journal(settings.seed)
        self.bed = Testbed(self.journal, {})
        self.observations: list[Observation] = []
        self._whole = asyncio.Lock()
        """Held by whoever starts and stops the deployment as a whole."""
        self._exits: list[tuple[float, str, str]] = []
        self._kinds = pipelines.build(self.bed.effects)
        self._packages = pipelines.compile_all(self._kinds, self.bed.effects)
        self._streams = Streams(self.bed)
        self._submitter = Submitter(self.bed, self._packages, self._streams)
        self._recurring = RecurringRuns(self.bed, self._packages["canary"])

    async def run(self) -> Journal:
        """Start the deployment, run all rounds, check, and stop it."""
        for row in TABLE:
            if (why := row.kind.missing(self.bed)) is not None:
                self.journal.skipped[row.kind.name] = why
                print(f"skipped: {row.kind.name}: {why}", flush=True)
        watchers: list[asyncio.Task[None]] = []
        try:
            await self.bed.in_thread(self.bed.deployment.up)
            print(f"deployment: {self.bed.data}", flush=True)
            watchers = [
                asyncio.create_task(work)
                for work in (
                    self._watch_status(),
                    self._watch_processes(),
                    self._take_care(),
                    self._heartbeat(),
                )
            ]
            await self._recurring.create()
            until = time.monotonic() + self.settings.seconds
            while time.monotonic() < until:
                await self._round(min(self.settings.round_seconds, until - time.monotonic()))
            await self._last_checks()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            await self._submitter.close()
            await self._streams.finish(0)
            await self.bed.stop()
            await self._look_after_the_stop()
            await self.bed.remove(keep=bool(self.journal.violations))
        return self.journal

    async def _round(self, seconds: float) -> None:
        number = self.journal.round = self.journal.round + 1
        mode = self.settings.modes[(number - 1) % len(self.settings.modes)]
        seed = f"{self.settings.seed}/{number}"
        chosen = self.settings.kinds
        kinds = tuple(kind for kind in self._kinds if not chosen or kind.name in chosen)
        print(f"round {number}: {mode}, {seconds:.0f} s", flush=True)
        began = time.time()
        until = time.monotonic() + seconds
        work = orders(
            Random(f"{seed}/workload"), kinds, self.settings.run_pace, self.settings.burst
        )
        await asyncio.gather(
            self._submitter.run(work, until),
            self._submitter.canaries(self._canary, self.settings.canary_seconds, until),
            self._recurring.watch(until),
            self._faults(Random(f"{seed}/faults"), mode, until),
        )
        seen = Observation(
            self.journal, number, mode, strict_times=self.settings.strict_times, exits=self._exits
        )
        await self._settle(began, last=False)
        await self._observe(seen, began, last=False)

    @property
    def _canary(self) -> pipelines.Kind:
        return pipelines.by_name(self._kinds)["canary"]

    async def _faults(self, random: Random, mode: str, until: float) -> None:
        """Strike until the time is over, and wait for the end of what was done."""
        running: set[asyncio.Task[None]] = set()
        settings = self.settings
        for planned in sequence(random, mode, settings.fault_pace, settings.only, settings.targets):
            if time.monotonic() + planned.pause > until:
                break
            await asyncio.sleep(planned.pause)
            if planned.kind.name in self.journal.skipped:
                continue
            strike = self._strike_alone if planned.kind.exclusive else self._strike
            task = asyncio.create_task(strike(planned.kind, planned.drawn))
            running.add(task)
            task.add_done_callback(running.discard)
            if planned.kind.exclusive:
                await asyncio.wait({task})
        if running:
            await asyncio.wait(running)

    async def _strike_alone(self, kind: FaultKind, drawn: Drawn) -> None:
        async with self._whole:
            await self._strike(kind, drawn)

    async def _strike(self, kind: FaultKind, drawn: Drawn) -> None:
        fault = Fault(
            len(self.journal.faults) + 1,
            kind.name,
            drawn.target,
            str(drawn),
            self.journal.round,
            time.time(),
        )
        self.journal.faults.append(fault)
        try:
            await kind.strike(self.bed, drawn, fault)
        except Exception as error:
            fault.detail += f" failed: {error!r}"
            print(f"fault {fault.number} {kind.name}: {error!r}", flush=True)
        fault.ended = time.time()

    async def _settle(self, began: float, *, last: bool) -> None:
        """Wait until every run has ended, at the end also those of recurring runs. What hangs is
        judged by the checks."""
        for process in processes.of_deployment(self.bed.data):
            processes.send(process, signal.SIGCONT)
        await self._heal()
        deadline = time.monotonic() + self.settings.settle_seconds
        await self._submitter.finish(self.settings.settle_seconds)
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                runs = await list_runs(self.bed, began)
                if not any(_is_awaited(run, last=last) for run in runs):
                    return
            await asyncio.sleep(1)

    async def _heal(self) -> None:
        """See whether runs proceed when the faults are over. If not, it is a violation, and a user
        starts the deployment again."""
        began = time.time()
        probe = asyncio.create_task(self._submitter.canary(self._canary))
        done, _ = await asyncio.wait({probe}, timeout=self.settings.settle_seconds)
        if done:
            return
        probe.cancel()
        submission = self.journal.canaries()[-1]
        said = (await self.bed.status()).get("state")
        self.journal.violate(
            Violation(
                "heals-by-itself",
                f"no run proceeded within {self.settings.settle_seconds:.0f} s after the last "
                f"fault; status says {said!r}; the canary's run is {submission.run_id}, its last "
                f"other answer {submission.last_answer!r}",
                f"round {self.journal.round}",
                began,
                await self._look_inside(),
            )
        )
        await self._strike_alone(Restart(), Drawn("deployment", 0.0, 0.0))

    async def _look_inside(self) -> object:
        """What may explain that nothing proceeds."""
        seen = Observation(self.journal, self.journal.round, "")
        try:
            await asyncio.wait_for(inside.read_leftovers(self.bed, seen), 30)
        except Exception as error:
            return repr(error)
        return {"rows": seen.rows, "backlog": seen.backlog, "processes": seen.processes}

    async def _observe(self, seen: Observation, began: float, *, last: bool) -> None:
        await self._streams.finish(20)
        try:
            if last:
                await self._be_quiet(seen)
            await collect(self.bed, seen, began, self._recurring)
            check_all(seen, CHECKS)
        except Exception as error:
            self.journal.violate(
                Violation(
                    "observable",
                    f"the deployment cannot be looked at: {error!r}",
                    f"round {self.journal.round}",
                    time.time(),
                )
            )
            check_all(seen, OF_THE_JOURNAL)
        self.observations.append(seen)

    async def _last_checks(self) -> None:
        """When no more runs are submitted, nothing is left of the ended ones."""
        await self._recurring.disable()
        last = self.observations[-1] if self.observations else None
        seen = Observation(
            self.journal,
            self.journal.round,
            last.mode if last else KILLS,
            strict_times=self.settings.strict_times,
            exits=self._exits,
        )
        await self._settle(self.journal.began, last=True)
        await self._observe(seen, self.journal.began, last=True)

    async def _be_quiet(self, seen: Observation) -> None:
        """Look at what is left, then leave the deployment alone with one long step."""
        deadline = time.monotonic() + self.settings.settle_seconds
        await inside.read_leftovers(self.bed, seen)
        while not inside.settled(seen) and time.monotonic() < deadline:
            await asyncio.sleep(2)
            await inside.read_leftovers(self.bed, seen)
        seen.idle_cpu = await inside.read_idle_cpu(self.bed, _IDLE_SECONDS)
        if lull := self.settings.lull_seconds:
            long = pipelines.by_name(self._kinds)["long"]
            self._submitter.submit(long, {"seconds": lull + _LONGER_SECONDS})
            await asyncio.sleep(lull)
            await asyncio.wait_for(self._submitter.canary(self._canary), _LULL_LIMIT_SECONDS)
            await self._submitter.finish(_LONGER_SECONDS)
            await self._settle(self.journal.began, last=True)

    async def _look_after_the_stop(self) -> None:
        """A deployment that is stopped has no processes left. What is left ends now."""
        left = [(p.pid, p.command) for p in processes.of_deployment(self.bed.data)]
        for pid, command in left + inside.daemons(self.bed):
            message = f"after down: {pid} {command}"
            self.journal.violate(Violation("orphans", message, f"{pid} {command}"))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _watch_status(self) -> None:
        while True:
            asked = time.time()
            said: dict[str, Any] = await self.bed.status()
            if said:
                restarts = {n: p["restarts"] for n, p in said.get("processes", {}).items()}
                self.journal.statuses.append(Status(asked, said.get("state", ""), restarts))
            await asyncio.sleep(_STATUS_SECONDS)

    async def _take_care(self) -> None:
        """Start the deployment again when its supervisor has ended, as a user does. Why it ended is
        judged by a check."""
        while True:
            await asyncio.sleep(_CARE_SECONDS)
            async with self._whole:
                alive = await self.bed.in_thread(processes.of_deployment, self.bed.data)
                if not any(process.role == "supervisor" for process in alive):
                    status, output = await self.bed.command("up")
                    print(f"no supervisor; headrace up: {status} {output[:200]}", flush=True)

    async def _watch_processes(self) -> None:
        """Notice the end of each program, by whatever cause."""
        known: dict[str, int] = {}
        while True:
            alive = await self.bed.in_thread(processes.of_deployment, self.bed.data)
            now = {p.role: p.pid for p in alive if p.role in DAEMONS}
            for role, pid in known.items():
                if now.get(role) != pid:
                    self._exits.append((time.time(), role, f"process {pid}"))
            known = now
            await asyncio.sleep(_WATCH_SECONDS)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            journal = self.journal
            load = os.getloadavg()[0]
            journal.loads.append((time.time(), load / (os.cpu_count() or 1)))
            took = [one.seen_ended - one.sent for one in journal.canaries()[-20:] if one.seen_ended]
            print(
                f"{time.time() - journal.began:6.0f} s  round {journal.round}  "
                f"{len(journal.submissions)} submissions  {len(journal.faults)} faults  "
                f"canaries max {max(took, default=0):.1f} s  load {load:.1f}  "
                f"{len(journal.violations)} violations",
                flush=True,
            )


def _is_awaited(run: dict[str, Any], *, last: bool) -> bool:
    return run["state"] not in ENDED and (last or run["recurring_run_id"] is None)
