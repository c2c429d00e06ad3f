"""The data folder: ports and secrets persist, a foreign folder is not touched."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest
from headrace_local import data as module
from headrace_local.data import PORTS, SERVICES, Data, DataError, read_json, write_json


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    """A prepared folder, as a normal user has it."""
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    made = Data(tmp_path / "deployment")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_created_and_recognized(data: Data) -> None:
    assert data.is_ours()
    assert mode(data.path) == 0o711
    assert mode(data.run) == mode(data.logs) == 0o700
    data.prepare()
    assert not Data(data.path / "elsewhere").is_ours()


def test_an_empty_folder_becomes_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    Data(tmp_path).prepare()
    assert Data(tmp_path).is_ours()


def test_a_foreign_folder_is_rejected_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match="is not empty and not a Headrace data folder"):
        Data(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is not a folder"):
        Data(tmp_path / "file").prepare()


def test_as_root_every_parent_must_be_accessible_to_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DataError, match=f"cannot access {closed}"):
        Data(closed / "deployment").prepare()


def test_ports_persist(data: Data) -> None:
    first = data.ports()
    assert set(first) == set(PORTS)
    assert len(set(first.values())) == len(PORTS)
    assert all(15000 <= port < 22000 for port in first.values())
    assert data.ports() == first


def test_ports_are_chosen_again_when_one_is_in_use(data: Data) -> None:
    first = data.ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["api"]))
        taken.listen()
        second = data.ports()
    assert first["api"] not in second.values()
    assert data.ports() == second


def test_ports_are_chosen_again_when_a_program_was_added(data: Data) -> None:
    write_json(data.path / "ports.json", {"nats": 15000})
    assert set(data.ports()) == set(PORTS)


def test_two_deployments_have_no_port_in_common(data: Data, tmp_path: Path) -> None:
    other = Data(tmp_path / "other")
    other.prepare()
    ports = data.ports()
    held = [socket.socket() for _ in ports]
    try:
        for probe, port in zip(held, ports.values(), strict=True):
            probe.bind(("127.0.0.1", port))
            probe.listen()
        assert not set(ports.values()) & set(other.ports().values())
    finally:
        for probe in held:
            probe.close()


def test_secrets_are_created_once_and_readable_by_this_user_alone(data: Data) -> None:
    first = data.secrets()
    servers = {"postgres", "s3", "admin", "program", "operator", "supervisor"}
    assert set(first) == {*servers, "service_token", "owner_token", *SERVICES}
    assert len(set(first.values())) == len(first)
    assert all(len(secret) == 32 for secret in first.values())
    assert data.secrets() == first
    assert mode(data.path / "secrets.json") == 0o600


def test_a_new_secret_does_not_change_the_others(data: Data) -> None:
    """Postgres and NATS were set up with them."""
    first = data.secrets()
    write_json(data.path / "secrets.json", {**first, "gone": "x"} | {"admin": "kept"})
    del first["admin"]
    known = json.loads((data.path / "secrets.json").read_text())
    del known["recorder"]
    write_json(data.path / "secrets.json", known)
    second = data.secrets()
    assert second["admin"] == "kept"
    assert {name: second[name] for name in first if name != "recorder"} == {
        name: secret for name, secret in first.items() if name != "recorder"
    }
    assert len(second["recorder"]) == 32


def test_one_process_at_a_time_holds_the_lock(data: Data) -> None:
    held = data.lock()
    assert held is not None
    assert data.lock() is None
    held.close()
    retaken = data.lock()
    assert retaken is not None
    retaken.close()


def test_json_is_written_atomically_and_readable_by_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert read_json(path) is None
    write_json(path, {"a": [1, None]})
    assert read_json(path) == {"a": [1, None]}
    assert mode(path) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["state.json"]


def test_a_damaged_file_is_named(data: Data) -> None:
    (data.path / "secrets.json").write_text("{")
    with pytest.raises(DataError, match=r"secrets\.json is damaged: Expecting"):
        data.secrets()
