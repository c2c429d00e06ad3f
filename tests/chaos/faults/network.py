"""Connections that break without a word, and servers that cannot be reached."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.faults.kind import Drawn, FaultKind, lasts
from tests.chaos.journal import Fault
from tests.chaos.testbed import Testbed

_ESTABLISHED = "01"


class _Filtered(FaultKind):
    """A fault that packet filters make."""

    targets = ("nats", "s3", "api", "recorder")

    def missing(self, bed: Testbed) -> str | None:
        if shutil.which("nft") is None:
            return "nft is not installed (apt install nftables)"
        done = subprocess.run(["nft", "list", "tables"], capture_output=True, check=False)
        return None if done.returncode == 0 else "nft needs root"


class HalfOpen(_Filtered):
    """All present connections to a server carry nothing any more; new ones work."""

    name = "half-open"
    shortest = 20.0
    longest = 40.0

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        if lasts(bed, fault, (self.name,)):
            return
        port = bed.ports()[drawn.target]
        clients = _clients_of(port)
        fault.hit = bool(clients)
        fault.detail = f"{len(clients)} connections to port {port}"
        if clients:
            some = "{" + ",".join(map(str, clients)) + "}"
            rules = (
                f"tcp dport {port} tcp sport {some} drop",
                f"tcp sport {port} tcp dport {some} drop",
            )
            with _rules(fault, rules):
                await asyncio.sleep(drawn.seconds)


class Unreachable(_Filtered):
    """A server refuses all connections."""

    name = "unreachable"
    targets = ("s3", "nats")
    shortest = 50.0
    longest = 70.0

    async def strike(self, bed: Testbed, drawn: Drawn, fault: Fault) -> None:
        if lasts(bed, fault, (self.name,)):
            return
        port = bed.ports()[drawn.target]
        fault.hit = True
        with _rules(fault, (f"tcp dport {port} reject with tcp reset",)):
            await asyncio.sleep(drawn.seconds)


def _clients_of(port: int) -> list[int]:
    """The local ports of all connections to a port of this machine."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if state == _ESTABLISHED and int(remote.rpartition(":")[2], 16) == port:
            found.append(int(local.rpartition(":")[2], 16))
    return found


@contextmanager
def _rules(fault: Fault, rules: Iterable[str]):  # type: ignore[no-untyped-def]
    """Packet filters for as long as the context is open, in a table of their own."""
    table = f"headrace_chaos_{os.getpid()}_{fault.number}"
    chain = "{ type filter hook output priority 0; policy accept; }"
    _nft(f"add table inet {table}", f"add chain inet {table} out {chain}")
    try:
        _nft(*(f"add rule inet {table} out {rule}" for rule in rules))
        yield
    finally:
        _nft(f"delete table inet {table}")


def _nft(*commands: str) -> None:
    subprocess.run(["nft", "-f", "-"], input="\n".join(commands), text=True, check=True)
