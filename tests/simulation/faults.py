"""What goes wrong in a simulation. Each draws some kinds of faults, and how often they occur."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from headrace_contracts.launches import STOP_MARK
from headrace_contracts.messages.subjects import COMMANDS

from tests.support.memory.wire import Wire, later

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.loop import Process
    from tests.simulation.world import Service, World

Fault = Callable[["World", random.Random], None]
_RATES = {
    "postgres": {"statement": 0.002, "conflict": 0.01, "commit": 0.005, "acknowledgement": 0.01},
    "nats": {"message": 0.001, "acknowledgement": 0.005},
    "objects": {"request": 0.02},
}

_STOP_SECONDS = 30.0
"""Within which a service ends."""


class Weather:
    """Whether things go wrong, and how badly."""

    def __init__(self, chance: random.Random, kinds: Collection[str] | None = None) -> None:
        """`kinds` are the faults that may occur; by default the seed chooses."""
        self.chance = chance
        self.is_stormy = True
        self.roughness = chance.choice((0.0, 0.3, 1.0, 3.0))
        self.slowness = chance.choice((0.0, 0.001, 0.01))
        chosen = chance.sample(list(KINDS), chance.choice((1, 2, 3, 4, 8)))
        self.kinds = chosen if kinds is None else list(kinds)
        self.pause = chance.choice((0.3, 1.0, 4.0))
        self.is_quick_to_restart = chance.random() < 0.7

    def restart_seconds(self) -> float:
        """How long it takes until a service that has ended is started again."""
        return self.chance.uniform(0.1, 0.5 if self.is_quick_to_restart else 10.0)

    def wire(self, server: str) -> Wire:
        """The wire to a server."""
        return _SeededWire(self, _RATES[server])


class _SeededWire(Wire):
    def __init__(self, weather: Weather, rates: dict[str, float]) -> None:
        self._weather = weather
        self._rates = rates

    def delay(self) -> float:
        weather = self._weather
        if weather.is_stormy and weather.chance.random() < weather.slowness:
            return weather.chance.uniform(0, 4)
        return weather.chance.uniform(0.0001, 0.002)

    def strikes(self, fault: str) -> bool:
        weather = self._weather
        rate = self._rates.get(fault, 0.0) * weather.roughness
        return weather.is_stormy and weather.chance.random() < rate


async def storm(world: World, weather: Weather, seconds: float) -> None:
    """Let faults happen for some time, then mend everything."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        await asyncio.sleep(weather.chance.expovariate(1 / weather.pause))
        if weather.kinds:
            KINDS[weather.chance.choice(weather.kinds)](world, weather.chance)
    weather.is_stormy = False
    for process in list(world.loop.processes):
        if process.is_frozen:
            process.thaw()


def _service(world: World, chance: random.Random, kind: str = "") -> tuple[Service, Process] | None:
    running = [
        (one, one.process)
        for one in world.services
        if one.process is not None and not one.process.is_dead and one.name.startswith(kind)
    ]
    return chance.choice(running) if running else None


def _kill(world: World, chance: random.Random) -> None:
    """A service is killed between any two of its callbacks."""
    found = _service(world, chance)
    if found is not None:
        process = found[1]
        process.fuse = chance.choice((0, chance.randrange(30), chance.randrange(300)))

        def blow() -> None:
            world.note(process.name, "is killed", is_fault=True)
            process.kill()

        process.blow = blow


def _terminate(world: World, chance: random.Random) -> None:
    found = _service(world, chance)
    if found is not None and not found[1].is_frozen:
        _tell_to_stop(world, found[1])


def _tell_to_stop(world: World, process: Process) -> None:
    def check() -> None:
        if process.is_frozen:
            later(_STOP_SECONDS, check)
        elif not process.is_dead:
            world.violate("a service ends when it is told to", process.name, process.name)
            process.kill()

    world.note(process.name, "is told to stop", is_fault=True)
    process.terminate()
    later(_STOP_SECONDS, check)


def _freeze(world: World, chance: random.Random) -> None:
    """A service is stopped between any two of its callbacks, and continues later."""
    found = _service(world, chance)
    if found is not None:
        process = found[1]
        process.fuse = chance.choice((0, chance.randrange(30), chance.randrange(300)))
        process.blow = lambda: _freeze_process(world, process, chance)


def _freeze_process(world: World, process: Process, chance: random.Random) -> None:
    if process.is_frozen or process.is_dead:
        return
    seconds = chance.choice((0.5, 3.0, 8.0, 12.0, 20.0))
    world.note(process.name, f"is frozen for {seconds} s", is_fault=True)
    process.freeze()

    def thaw() -> None:
        if process.is_frozen and not process.is_dead:
            world.note(process.name, "continues", is_fault=True)
            process.thaw()

    later(seconds, thaw)


def _children(world: World, kind: str, only: Host | None = None) -> list[Process]:
    return [
        one.process
        for host in (world.hosts if only is None else [only])
        for one in host.processes.values()
        if f"/{kind}-" in one.process.name and not one.process.is_dead
    ]


def _kill_child(kind: str) -> Fault:
    def kill(world: World, chance: random.Random) -> None:
        running = _children(world, kind)
        if running:
            process = chance.choice(running)
            world.note(process.name, "is killed", is_fault=True)
            process.kill()

    return kill


def _freeze_child(kind: str) -> Fault:
    def freeze(world: World, chance: random.Random) -> None:
        running = _children(world, kind)
        if running:
            _freeze_process(world, chance.choice(running), chance)

    return freeze


def _kill_with_launchers(world: World, chance: random.Random) -> None:
    """An executor and what it has started, except the commands."""
    found = _service(world, chance, "executor")
    if found is None:
        return
    service, process = found
    world.note(process.name, "is killed with its launchers", is_fault=True)
    process.kill()
    for one in list(service.host.processes.values()):
        if "/step-" not in one.process.name:
            one.process.kill()


def _restart_host(world: World, chance: random.Random) -> None:
    found = _service(world, chance, "executor")
    if found is not None:
        world.note(found[0].host.name, "loses its power", is_fault=True)
        found[1].kill()
        found[0].host.kill_all()


def _stop_deployment(world: World, chance: random.Random) -> None:
    """`headrace_local.steps.stop`: the executor is stopped, then its launchers; what does not end
    is killed, and the executor starts again."""
    found = _service(world, chance, "executor")
    if found is None or found[1].is_frozen or found[0].is_held:
        return
    service, process = found
    world.note(service.host.name, "is stopped in an orderly way", is_fault=True)
    service.is_held = True
    steps = service.host.folder / "steps"

    def end_launchers() -> None:
        process.kill()
        steps.mkdir(exist_ok=True)
        (steps / STOP_MARK).touch()
        for one in _children(world, "launcher", service.host):
            one.terminate()
        later(chance.choice((0.1, 10.0)), end)

    def end() -> None:
        world.note(service.host.name, "is started again", is_fault=True)
        service.host.kill_all()
        world.release(service)

    process.terminate()
    later(chance.choice((0.5, 5.0)), end_launchers)


def _postgres_down(world: World, chance: random.Random) -> None:
    if not world.postgres.is_down:
        world.note("postgres", "is killed", is_fault=True)
        world.postgres.stop()
        later(chance.uniform(0.1, 8), _postgres_up, world)


def _postgres_up(world: World) -> None:
    world.note("postgres", "is back", is_fault=True)
    world.postgres.start()


def _nats_down(world: World, chance: random.Random) -> None:
    if not world.nats.is_down:
        world.note("nats", "is killed", is_fault=True)
        world.nats.stop()
        later(chance.uniform(0.1, 8), _nats_up, world)


def _nats_up(world: World) -> None:
    world.note("nats", "is back", is_fault=True)
    world.nats.start()


def _objects_down(world: World, chance: random.Random) -> None:
    def up() -> None:
        world.bucket.is_down = False
        world.note("objects", "are back", is_fault=True)

    if not world.bucket.is_down:
        world.bucket.is_down = True
        world.note("objects", "are away", is_fault=True)
        later(chance.uniform(0.1, 8), up)


def _repeat_commands(world: World, chance: random.Random) -> None:
    """Commands arrive again, under new ids, as the scheduler repeats those of silent tasks."""
    stream = world.nats.streams.streams.get(COMMANDS)
    if stream is None or not stream.messages:
        return
    for message in chance.sample(stream.messages, min(4, len(stream.messages))):
        name = f"repeated-{chance.getrandbits(64):x}"
        headers = message.headers | {"Nats-Msg-Id": name, "ce-id": name}
        world.nats.streams.store(message.subject, message.data, headers)
    world.note("nats", "commands are repeated", is_fault=True)


def _ambush(moment: str, strike: Callable[[World, Process, random.Random], None]) -> Fault:
    """Strike the executor of the machine on which the moment comes next."""

    def lie_in_wait(world: World, chance: random.Random) -> None:
        def come(host: Host) -> None:
            for service in world.services:
                process = service.process
                if service.host is host and process is not None and not process.is_dead:
                    later(chance.uniform(0, 0.004), strike, world, process, chance)

        world.ambushes[moment] = come

    return lie_in_wait


def _kill_process(world: World, process: Process, chance: random.Random) -> None:
    if not process.is_dead:
        world.note(process.name, "is killed", is_fault=True)
        process.kill()


KINDS: dict[str, Fault] = {
    "kill": _kill,
    "terminate": _terminate,
    "freeze": _freeze,
    "freeze at a launch": _ambush("launch", _freeze_process),
    "kill at a launch": _ambush("launch", _kill_process),
    "freeze at a result": _ambush("result", _freeze_process),
    "kill at a result": _ambush("result", _kill_process),
    "kill launcher": _kill_child("launcher"),
    "kill fork server": _kill_child("forks"),
    "freeze launcher": _freeze_child("launcher"),
    "freeze fork server": _freeze_child("forks"),
    "kill with launchers": _kill_with_launchers,
    "restart host": _restart_host,
    "stop deployment": _stop_deployment,
    "postgres down": _postgres_down,
    "nats down": _nats_down,
    "objects down": _objects_down,
    "repeat commands": _repeat_commands,
}
