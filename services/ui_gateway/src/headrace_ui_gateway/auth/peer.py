"""Whose process is at the other end of a loopback connection.

The kernel lists each socket with the user who made it. Only a socket that is connected and held
by a process counts: one that its process has closed is listed as root's.
Source: Linux, Documentation/networking/proc_net_tcp.rst.
"""

from __future__ import annotations

import os
import socket
from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_PROC = Path("/proc/net")
_ESTABLISHED = "01"
_TRIES = 3
"""The list is read while it changes, so that an entry can be passed over."""
_REMEMBERED = 1024

Address = tuple[str, int]


class SameUser:
    """Tells whether who is connected is a process of this process's user.

    The answer is kept for a connection as long as it is in use. The server has one object for the
    peer of each connection: held here, it can be no other connection's.
    """

    def __init__(self, proc: Path = _PROC, user: int | None = None) -> None:
        self._proc = proc
        self._user = os.geteuid() if user is None else user
        self._known: OrderedDict[int, tuple[Address, bool]] = OrderedDict()

    def holds(self, client: Address, server: Address) -> bool:
        """Whether the socket at `client` that is connected to `server` is this user's."""
        kept = self._known.get(id(client))
        if kept is not None and kept[0] is client:
            return kept[1]
        answer = self._look(client, server)
        self._known[id(client)] = (client, answer)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return answer

    def _look(self, client: Address, server: Address) -> bool:
        for _ in range(_TRIES):
            user = owner(self._proc, client, server)
            if user is not None:
                return user == self._user
        return False


def owner(proc: Path, client: Address, server: Address) -> int | None:
    """The user of the socket at `client` that is connected to `server`; None when the kernel
    shows none, as where another network namespace or another machine holds it."""
    for name, pair in _spellings(client, server):
        try:
            lines = (proc / name).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if pair not in line:
                continue
            fields = line.split()
            if f"{fields[1]} {fields[2]}" == pair and fields[3] == _ESTABLISHED:
                return None if fields[9] == "0" else int(fields[7])
    return None


def _spellings(client: Address, server: Address) -> list[tuple[str, str]]:
    """How the kernel's lists write the two ends: IPv4 also as a part of IPv6."""
    try:
        ends = [(ip_address(host), port) for host, port in (client, server)]
    except ValueError:
        return []
    found = []
    if all(isinstance(host, IPv4Address) for host, _ in ends):
        found.append(("tcp", " ".join(_hex(host, port) for host, port in ends)))
        ends = [(IPv6Address(f"::ffff:{host}"), port) for host, port in ends]
    found.append(("tcp6", " ".join(_hex(host, port) for host, port in ends)))
    return found


def _hex(host: IPv4Address | IPv6Address, port: int) -> str:
    words = [host.packed[start : start + 4] for start in range(0, len(host.packed), 4)]
    # Each word of an address is printed as the machine's own number.
    return "".join(f"{_native(word):08X}" for word in words) + f":{port:04X}"


def _native(word: bytes) -> int:
    return socket.ntohl(int.from_bytes(word, "big"))
