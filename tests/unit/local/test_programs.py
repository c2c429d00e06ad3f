"""Programs as values: how services reach Postgres, and which credentials each gets."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from headrace_local import programs
from headrace_local.data import PORTS, SERVICES, STATEFUL_SERVICES, Data

SECRETS = {name: f"secret-of-{name}" for name in (*SERVICES, "service_token", "owner_token")}


def environment(service: str, folder: Path = Path("/data")) -> dict[str, str]:
    """The settings of a service of the deployment in this folder, without their prefix."""
    prefix = f"HEADRACE_{service.upper()}_"
    program = programs.service(service, Data(folder), dict.fromkeys(PORTS, 17001), SECRETS)
    return {
        key.removeprefix(prefix): value
        for key, value in program.env.items()
        if key.startswith(prefix)
    }


def test_services_reach_postgres_by_its_socket() -> None:
    found = urlsplit(environment("recorder")["POSTGRES_DSN"])
    assert (found.username, found.password) == ("recorder", SECRETS["recorder"])
    assert found.hostname is None
    assert parse_qs(found.query) == {"host": ["/data/postgres/18"], "port": ["17001"]}


def test_they_use_the_port_where_the_path_is_too_long_for_a_socket() -> None:
    dsn = environment("recorder", Path("/data", "x" * 80))["POSTGRES_DSN"]
    assert dsn.endswith("@127.0.0.1:17001/headrace")


@pytest.mark.parametrize(
    ("service", "shared"),
    [
        ("api", {"service_token"}),
        ("scheduler", set()),
        ("executor", set()),
        ("recorder", {"service_token"}),
        ("ui_gateway", {"service_token", "owner_token"}),
    ],
)
def test_a_service_gets_its_own_credentials_alone(service: str, shared: set[str]) -> None:
    values = " ".join(environment(service).values())
    assert {name for name in SECRETS if SECRETS[name] in values} == {service, *shared}


@pytest.mark.parametrize("service", SERVICES)
def test_only_stateful_services_are_told_of_postgres_and_the_object_store(service: str) -> None:
    settings = environment(service)
    told = [name for name in settings if name.startswith(("POSTGRES_", "OBJECTS_"))]
    assert bool(told) is (service in STATEFUL_SERVICES)
