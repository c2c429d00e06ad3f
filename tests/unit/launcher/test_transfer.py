"""Objects over presigned URLs: what is tried again, and what is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace_launcher import transfer
from headrace_launcher.transfer import Transfer, TransferError

from tests.support.launches import Objects


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_PAUSES", (0, 0, 0))


def test_an_object_is_uploaded_and_fetched(tmp_path: Path, objects: Objects) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "from").write_bytes(body)
    moving = Transfer()
    moving.send(objects.grant.model_dump(), "deep/key", str(tmp_path / "from"))
    moving.send(objects.grant.model_dump(), "small", b"text")
    moving.fetch(objects.url("deep/key"), str(tmp_path / "new" / "to"))
    moving.close()
    assert (tmp_path / "new" / "to").read_bytes() == body
    assert objects.held["small"] == b"text"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_error_is_retried(tmp_path: Path, objects: Objects, status: int) -> None:
    objects.held["key"] = b"value"
    objects.faults = [status, status]
    moving = Transfer()
    moving.fetch(objects.url("key"), str(tmp_path / "to"))
    objects.faults = [status]
    moving.send(objects.grant.model_dump(), "other", b"text")
    moving.close()
    assert (tmp_path / "to").read_bytes() == b"value"
    assert objects.held["other"] == b"text"


def test_a_body_that_ends_too_early_is_fetched_again(tmp_path: Path, objects: Objects) -> None:
    objects.held["key"] = b"value" * 1000
    objects.cut_short = 2
    moving = Transfer()
    moving.fetch(objects.url("key"), str(tmp_path / "to"))
    moving.close()
    assert (tmp_path / "to").read_bytes() == objects.held["key"]


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_is_not_retried_and_hides_the_signature(
    tmp_path: Path, objects: Objects, status: int
) -> None:
    objects.faults = [status]
    moving = Transfer()
    with pytest.raises(TransferError, match=f"status {status}") as caught:
        moving.fetch(objects.url("key"), str(tmp_path / "to"))
    moving.close()
    assert "secret" not in str(caught.value)
    assert len(objects.requests) == 1


def test_an_unavailable_store_is_an_error_after_the_retries(
    tmp_path: Path, objects: Objects
) -> None:
    objects.faults = [500] * 4
    moving = Transfer()
    with pytest.raises(TransferError, match=r"could not upload key: .*status 500"):
        moving.send(objects.grant.model_dump(), "key", b"text")
    moving.close()
    assert len(objects.requests) == 4


def test_a_local_error_is_not_retried(tmp_path: Path, objects: Objects) -> None:
    objects.held["key"] = b"value"
    moving = Transfer()
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
    moving = Transfer()
    with pytest.raises(TransferError, match="No space left"):
        moving.fetch(objects.url("key"), "/dev/full")
    moving.close()
    assert len(objects.requests) == 1
