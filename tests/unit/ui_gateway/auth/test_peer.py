"""Whose process is at the other end: real sockets, and lists of sockets as the kernel has them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from headrace_ui_gateway.auth.peer import SameUserCheck, socket_owner

PROC = Path("/proc/net")
pytestmark = pytest.mark.skipif(not (PROC / "tcp").exists(), reason="this system has no /proc")
NOBODY = 65534


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as made:
        try:
            made.bind((request.param, 0))
        except OSError:
            pytest.skip(f"this machine has no {request.param}")
        made.listen()
        made.settimeout(10)
        yield made


def ends(accepted: socket.socket) -> tuple[tuple[str, int], tuple[str, int]]:
    return accepted.getpeername()[:2], accepted.getsockname()[:2]


def test_the_owner_of_a_socket_is_its_user(listener: socket.socket) -> None:
    with closing(socket.create_connection(listener.getsockname()[:2])):
        accepted, _ = listener.accept()
        with accepted:
            client, server = ends(accepted)
            assert socket_owner(PROC, client, server) == os.geteuid()
            assert SameUserCheck().passes(client, server)
            assert not SameUserCheck(user=os.geteuid() + 1).passes(client, server)
            assert socket_owner(PROC, client, (server[0], server[1] + 1)) is None


def test_an_ipv4_address_of_an_ipv6_socket_is_found() -> None:
    with socket.socket() as listener, socket.socket(socket.AF_INET6) as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        try:
            client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        except OSError:
            pytest.skip("this machine has no IPv6")
        accepted, _ = listener.accept()
        with accepted:
            assert socket_owner(PROC, *ends(accepted)) == os.geteuid()


def test_a_closed_socket_has_no_owner(listener: socket.socket) -> None:
    """The kernel lists it as root's, with another state or no inode."""
    client = socket.create_connection(listener.getsockname()[:2])
    accepted, _ = listener.accept()
    with accepted:
        both = ends(accepted)
        client.close()
        assert socket_owner(PROC, *both) is None
        assert not SameUserCheck(user=0).passes(*both)


def test_a_half_closed_connection_has_no_owner(listener: socket.socket) -> None:
    with closing(socket.create_connection(listener.getsockname()[:2])) as client:
        accepted, _ = listener.accept()
        with accepted:
            client.shutdown(socket.SHUT_WR)
            assert socket_owner(PROC, *ends(accepted)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a process of another user")
def test_a_process_of_another_user_is_detected(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    script = (
        f"import encodings.idna, os, socket; os.setuid({NOBODY}); "
        f"s = socket.create_connection(({host!r}, {port})); s.recv(1)"
    )
    with subprocess.Popen([sys.executable, "-I", "-c", script]) as other:
        accepted, _ = listener.accept()
        with accepted:
            assert socket_owner(PROC, *ends(accepted)) == NOBODY
            assert not SameUserCheck().passes(*ends(accepted))
        other.wait(10)


LINE = "   1: 0100007F:{:04X} 0100007F:1F90 {} 00000000:00000000 00:00000000 00000000 {} 0 {} 1\n"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    lines = [
        LINE.format(1000, "01", 1000, 77),
        LINE.format(1001, "06", 0, 0),  # TIME_WAIT
        LINE.format(1002, "01", 0, 0),  # held by no process
        LINE.format(1003, "05", 1000, 78),  # FIN_WAIT2
    ]
    (tmp_path / "tcp").write_text("  sl  local_address rem_address st\n" + "".join(lines))
    return tmp_path


@pytest.mark.parametrize(
    ("port", "user"), [(1000, 1000), (1001, None), (1002, None), (1003, None), (9, None)]
)
def test_only_connected_sockets_that_a_process_holds_have_owners(
    listed: Path, port: int, user: int | None
) -> None:
    assert socket_owner(listed, ("127.0.0.1", port), ("127.0.0.1", 8080)) == user


def test_invalid_addresses_have_no_owner(listed: Path) -> None:
    assert socket_owner(listed, ("", 0), ("127.0.0.1", 8080)) is None
    assert socket_owner(Path("/nowhere"), ("127.0.0.1", 1000), ("127.0.0.1", 8080)) is None


def test_a_result_is_cached_for_one_connection_only(listed: Path) -> None:
    """A port is used again; the object that the server has for a connection is not."""
    peers = SameUserCheck(listed, user=1000)
    first, second = tuple(["127.0.0.1", 1000]), tuple(["127.0.0.1", 1000])
    server = ("127.0.0.1", 8080)
    assert first is not second
    assert peers.passes(first, server)
    (listed / "tcp").write_text("\n")
    assert peers.passes(first, server)
    assert not peers.passes(second, server)


def test_the_cache_is_bounded(listed: Path) -> None:
    peers = SameUserCheck(listed, user=1000)
    held = [("127.0.0.1", port) for port in range(3000)]
    for client in held:
        peers.passes(client, ("127.0.0.1", 8080))
    assert len(peers._cache) <= 1024
