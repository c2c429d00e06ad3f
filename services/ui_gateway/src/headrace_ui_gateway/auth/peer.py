"""The user of the process at the other end of a loopback connection.

The kernel lists each socket with the user who created it. Only a connected socket that a process
holds counts: the kernel lists a socket that its process has closed as root's.
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
"""The list changes while it is read, so that a read may miss an entry."""
_CACHED = 1024

Address = tuple[str, int]


class SameUserCheck:
    """Checks whether the peer of a connection is a process of the gateway's own user.

    The result is cached for the life of the connection. The server has one address object for each
    connection. While the cache references it, its `id` cannot belong to another connection.
    """

    def __init__(self, proc: Path = _PROC, user: int | None = None) -> None:
        self._proc = proc
        self._user = os.geteuid() if user is None else user
        self._cache: OrderedDict[int, tuple[Address, bool]] = OrderedDict()

    def passes(self, client: Address, server: Address) -> bool:
        """Whether the socket at `client` that is connected to `server` is this user's."""
        cached = self._cache.get(id(client))
        if cached is not None and cached[0] is client:
            return cached[1]
        result = self._check(client, server)
        self._cache[id(client)] = (client, result)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return result

    def _check(self, client: Address, server: Address) -> bool:
        for _ in range(_TRIES):
            user = socket_owner(self._proc, client, server)
            if user is not None:
                return user == self._user
        return False


def socket_owner(proc: Path, client: Address, server: Address) -> int | None:
    """The user id of the socket at `client` that is connected to `server`. None if the kernel does
    not list it, because another network namespace or another machine holds it."""
    for name, pair in _entries(client, server):
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


def _entries(client: Address, server: Address) -> list[tuple[str, str]]:
    """The names of the kernel's lists, and the two ends as each list writes them. IPv4 sockets may
    be listed as IPv6."""
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
    # The kernel prints each 32-bit word in the machine's byte order.
    return "".join(f"{_host_order(word):08X}" for word in words) + f":{port:04X}"


def _host_order(word: bytes) -> int:
    return socket.ntohl(int.from_bytes(word, "big"))
