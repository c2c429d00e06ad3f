"""Objects over presigned URLs: what is tried again, and what is told at once."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from headrace_launcher import transfer
from headrace_launcher.failure import CanceledError, StepError, TimeLimitError
from headrace_launcher.interruption import STOPPING, Interruption
from headrace_launcher.transfer import Transfer, TransferError, UnavailableError

from tests.support.launches import Objects


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(transfer, "_LONGEST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(transfer, "_SILENT_SECONDS", 0.0)


def test_a_file_that_cannot_be_read_is_not_the_stores_fault(objects: Objects) -> None:
    with open("/proc/self/mem", "rb") as unreadable:  # reading its beginning is an error
        unreadable.seek = lambda *_: 10  # type: ignore[assignment]
        moving = Transfer(Interruption())
        with pytest.raises(TransferError, match="error"):
            moving.send(objects.grant.model_dump(), "key", unreadable)
    moving.close()


def test_an_object_is_uploaded_and_fetched(tmp_path: Path, objects: Objects) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "from").write_bytes(body)
    moving = Transfer(Interruption())
    moving.send(objects.grant.model_dump(), "deep/key", str(tmp_path / "from"))
    moving.send(objects.grant.model_dump(), "small", b"text")
    moving.fetch(objects.url("deep/key"), str(tmp_path / "new" / "to"))
    moving.close()
    assert (tmp_path / "new" / "to").read_bytes() == body
    assert objects.held["small"] == b"text"


@pytest.mark.parametrize("status", [500, 503, 408, 429])
def test_a_server_error_is_retried(tmp_path: Path, objects: Objects, status: int) -> None:
    objects.held["key"] = b"value"
    objects.faults = [status, status]
    moving = Transfer(Interruption())
    moving.fetch(objects.url("key"), str(tmp_path / "to"))
    objects.faults = [status]
    moving.send(objects.grant.model_dump(), "other", b"text")
    moving.close()
    assert (tmp_path / "to").read_bytes() == b"value"
    assert objects.held["other"] == b"text"


def test_a_body_that_ends_too_early_is_fetched_again(tmp_path: Path, objects: Objects) -> None:
    objects.held["key"] = b"value" * 1000
    objects.cut_short = 2
    moving = Transfer(Interruption())
    moving.fetch(objects.url("key"), str(tmp_path / "to"))
    moving.close()
    assert (tmp_path / "to").read_bytes() == objects.held["key"]


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_is_not_retried_and_hides_the_signature(
    tmp_path: Path, objects: Objects, status: int
) -> None:
    objects.faults = [status]
    moving = Transfer(Interruption())
    with pytest.raises(TransferError, match=f"status {status}") as caught:
        moving.fetch(objects.url("key"), str(tmp_path / "to"))
    moving.close()
    assert "secret" not in str(caught.value)
    assert caught.value.retryable is (status == 403), "another attempt has another grant"
    assert len(objects.requests) == 1


def test_an_unavailable_store_is_waited_for_and_the_wait_is_reported_once(
    tmp_path: Path, objects: Objects
) -> None:
    objects.faults = [503] * 30
    reported: list[str] = []
    moving = Transfer(Interruption(), reported.append)
    moving.send(objects.grant.model_dump(), "key", b"text")
    moving.close()
    assert objects.held["key"] == b"text"
    assert len(objects.requests) == 31
    waits, goes_on = reported
    assert waits.startswith("waiting for the object store since ")
    assert "could not upload key: " in waits
    assert goes_on == ""


def test_one_try_does_not_wait(objects: Objects) -> None:
    objects.faults = [503]
    moving = Transfer(Interruption())
    with pytest.raises(UnavailableError, match=r"could not upload key: .*status 503"):
        moving.send_once(objects.grant.model_dump(), "key", b"text")
    moving.close()
    assert len(objects.requests) == 1


def test_the_time_limit_ends_a_wait(objects: Objects) -> None:
    objects.faults = [503] * 100_000
    moving = Transfer(Interruption(0.05))
    with pytest.raises(TimeLimitError):
        moving.send(objects.grant.model_dump(), "key", b"text")
    moving.close()


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGTERM, CanceledError), (signal.SIGALRM, TimeLimitError)]
)
def test_an_interruption_ends_a_request_that_a_frozen_store_does_not_answer(
    number: signal.Signals, error: type[StepError]
) -> None:
    interruption = Interruption(0.3 if number is signal.SIGALRM else None)
    before = {n: signal.getsignal(n) for n in (*STOPPING, signal.SIGALRM)}
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        url = f"http://127.0.0.1:{frozen.getsockname()[1]}/bucket"
        if number is signal.SIGTERM:
            threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        began = time.monotonic()
        try:
            interruption.install()
            with pytest.raises(error):
                Transfer(interruption).send({"url": url, "fields": {}}, "key", b"text")
        finally:
            interruption.end()
            for one, handler in before.items():
                signal.signal(one, handler)
    assert time.monotonic() - began < transfer._TIMEOUT_SECONDS / 2


def test_a_local_error_is_not_retried(tmp_path: Path, objects: Objects) -> None:
    objects.held["key"] = b"value"
    moving = Transfer(Interruption())
    with pytest.raises(TransferError, match="Is a directory"):
        moving.fetch(objects.url("key"), str(tmp_path))
    with pytest.raises(TransferError, match="No such file"):
        moving.send(objects.grant.model_dump(), "key", str(tmp_path / "none"))
    (tmp_path / "file").touch()
    with pytest.raises(TransferError, match="could not create the folder"):
        moving.fetch(objects.url("key"), str(tmp_path / "file" / "below"))
    moving.close()
    assert objects.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_not_retried(objects: Objects) -> None:
    objects.held["key"] = b"value" * 100_000
    moving = Transfer(Interruption())
    with pytest.raises(TransferError, match="No space left") as caught:
        moving.fetch(objects.url("key"), "/dev/full")
    assert caught.value.retryable
    moving.close()
    assert len(objects.requests) == 1
