"""Each signal to each process of a deployment: afterwards it heals by itself, and runs succeed.

The whole table takes many minutes: `make signals`. Otherwise each process gets one signal, and each
signal goes to a program and to a process of Postgres.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from headrace_local import processes

from tests.e2e.deployment.canary import Canary, look, pid_of
from tests.support.deployment import SERVICES, Deployment, running
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

ENDING = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL")
SERVERS = ("nats", "s3", "postgres")
BACKENDS = ("checkpointer", "background writer", "walwriter", "autovacuum launcher", "recorder")
"""Processes of Postgres by their titles; the last is the connection of a service."""
PROGRAMS = [(name, number) for name in (*SERVERS, *SERVICES) for number in ENDING]
POSTGRES = [(title, number) for title in BACKENDS for number in ENDING]
if "ALL_SIGNALS" not in os.environ:
    # One signal further with each process.
    PROGRAMS = [PROGRAMS[5 * at + at % 5] for at in range(len(SERVERS) + len(SERVICES))]
    PROGRAMS += [("postgres", "SIGTERM"), ("nats", "SIGKILL"), ("s3", "SIGKILL")]
    POSTGRES = POSTGRES[::6]


@pytest.fixture(scope="module")
def own() -> Iterator[Deployment]:
    """A deployment for the whole table."""
    with running() as made:
        yield made


@pytest.fixture(scope="module")
def canary(own: Deployment) -> Canary:
    return Canary(own)


@pytest.mark.parametrize(
    ("name", "number"),
    [*PROGRAMS, *((name, "SIGSTOP") for name in SERVERS)],
)
def test_a_program_gets_a_signal(own: Deployment, canary: Canary, name: str, number: str) -> None:
    pid = pid_of(own, name)
    os.kill(pid, signal.Signals[number])
    heals(own, canary, pid)


def test_all_services_are_stopped_at_once(own: Deployment, canary: Canary) -> None:
    pids = [pid_of(own, name) for name in SERVICES]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    heals(own, canary, *pids)


@pytest.mark.parametrize(("title", "number"), POSTGRES)
def test_a_process_of_postgres_gets_a_signal(
    own: Deployment, canary: Canary, title: str, number: str
) -> None:
    pid = until(lambda: backend(own, title))
    assert pid is not None
    os.kill(pid, signal.Signals[number])
    heals(own, canary, pid)


@pytest.mark.parametrize("title", ["checkpointer", "recorder"])
def test_a_process_of_postgres_is_stopped(own: Deployment, canary: Canary, title: str) -> None:
    pid = until(lambda: backend(own, title))
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    heals(own, canary, pid)


def heals(own: Deployment, canary: Canary, *pids: int) -> None:
    """The processes do not stay stopped, runs succeed, and the deployment is ready."""
    until(lambda: not any(processes.is_stopped(pid) for pid in pids))
    canary.succeeds()
    until(lambda: look(own).state == "ready")


def backend(own: Deployment, title: str) -> int | None:
    postmaster = pid_of(own, "postgres")
    titles = ((pid, processes.command_line(pid)) for pid in processes.children(postmaster))
    return next((pid for pid, line in titles if line and title in line[0]), None)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"])
def test_the_supervisor_ends_and_up_starts_it_again(
    own: Deployment, canary: Canary, number: str
) -> None:
    own.signal_supervisor(signal.Signals[number])
    own.up()
    canary.succeeds()


@pytest.mark.parametrize("number", ["SIGHUP", "SIGSTOP"])
def test_the_supervisor_goes_on(own: Deployment, canary: Canary, number: str) -> None:
    before = own.supervisor()
    own.signal_supervisor(signal.Signals[number])
    own.up()
    assert own.supervisor() == before
    canary.succeeds()


def test_a_server_without_its_stopped_backend(own: Deployment, canary: Canary) -> None:
    """A stopped backend keeps the shared memory of its dead server: no other one could start."""
    pid, postmaster = until(lambda: backend(own, "checkpointer")), pid_of(own, "postgres")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    heals(own, canary, pid)


def test_nothing_is_left(own: Deployment) -> None:
    own.down()
    assert own.processes() == []
