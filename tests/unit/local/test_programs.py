"""Programs as values: how services find Postgres."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from headrace_local import programs
from headrace_local.data import PORTS, SERVICES, Data


def dsn_in(folder: Path) -> str:
    """What a service is told of the database of a deployment in this folder."""
    ports = dict.fromkeys(PORTS, 17001)
    secrets = dict.fromkeys((*SERVICES, "service_token"), "word")
    settings = programs.service("recorder", Data(folder), ports, secrets).env
    return settings["HEADRACE_RECORDER_POSTGRES_DSN"]


def test_services_reach_postgres_by_its_socket() -> None:
    found = urlsplit(dsn_in(Path("/data")))
    assert (found.username, found.password, found.hostname) == ("recorder", "word", None)
    assert parse_qs(found.query) == {"host": ["/data/postgres/18"], "port": ["17001"]}


def test_a_path_that_is_too_long_for_a_socket_leaves_the_port() -> None:
    assert dsn_in(Path("/data", "x" * 80)).endswith("@127.0.0.1:17001/headrace")
