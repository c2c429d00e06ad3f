"""Environments of steps, with a made-up installer that says what it was asked for."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest
from headrace_executor.backends.process import environments
from headrace_executor.backends.process.environments import EnvironmentFailedError, EnvironmentStore
from headrace_executor.backends.process.step_package import StepPackage
from headrace_executor.core.bootstrap import Install, RequirementSet

WANTED = RequirementSet((Install(("a", "b"), ("--trusted-host", "h", "--pre")),))


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the installer writes its arguments; it fails while the file ``fail`` is there."""
    asked = tmp_path / "asked"
    uv = tmp_path / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "$@" >> {asked}\n'
        f'if [ -e {tmp_path}/fail ]; then echo "no route to host"; exit 2; fi\n'
        'if [ "$1" = venv ]; then for last; do :; done; mkdir "$last"; fi\n'
    )
    uv.chmod(0o755)
    monkeypatch.setattr(environments, "_UV", uv)
    return asked


def calls(asked: Path) -> list[str]:
    return asked.read_text().splitlines()


async def test_an_environment_is_created_once_for_concurrent_callers(
    tmp_path: Path, asked: Path
) -> None:
    stores = [EnvironmentStore(tmp_path / "environments") for _ in range(2)]
    made = await asyncio.gather(*(store.ensure(WANTED) for store in stores * 3))
    assert len({environment.path for environment in made}) == 1
    venv, pip = calls(asked)
    assert venv.startswith("venv ")
    assert pip.endswith("--allow-insecure-host h --prerelease=allow a b")
    assert stores[0].has(WANTED)


async def test_an_environment_left_by_a_crash_is_created_again(tmp_path: Path, asked: Path) -> None:
    store = EnvironmentStore(tmp_path / "environments")
    path = (await store.ensure(WANTED)).path
    (path / ".complete").unlink()
    (path / "half").touch()
    assert not store.has(WANTED)
    await store.ensure(WANTED)
    assert not (path / "half").exists()


async def test_an_environment_that_is_half_made_is_removed_unless_somebody_is_making_it(
    tmp_path: Path, asked: Path
) -> None:
    store = EnvironmentStore(tmp_path / "environments")
    await store.sweep()
    path = (await store.ensure(WANTED)).path
    await store.sweep()
    assert store.has(WANTED)
    (path / ".complete").unlink()
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        await store.sweep()
        assert path.exists()
    await store.sweep()
    assert not path.exists()


async def test_an_installer_that_outlives_its_executor_holds_the_lock(
    tmp_path: Path, asked: Path
) -> None:
    script = asked.parent / "uv"
    script.write_text(script.read_text() + f"ls -l /proc/self/fd > {tmp_path}/held\n")
    path = (await EnvironmentStore(tmp_path / "environments").ensure(WANTED)).path
    assert f"{path.name}.lock" in (tmp_path / "held").read_text()


async def test_a_draft_of_the_step_package_that_a_crash_left_is_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".draft-old", tmp_path / ".draft-new"
    for draft in (old, new):
        (draft / "headrace").mkdir(parents=True)
    os.utime(old, (0, 0))
    package = StepPackage(tmp_path)
    made = await package.ensure()
    await package.sweep()
    assert (old.exists(), new.exists(), made.exists()) == (False, True, True)


async def test_the_error_has_the_end_of_the_installers_output(tmp_path: Path, asked: Path) -> None:
    (tmp_path / "fail").touch()
    store = EnvironmentStore(tmp_path / "environments")
    with pytest.raises(EnvironmentFailedError, match="no route to host"):
        await store.ensure(WANTED)
    (tmp_path / "fail").unlink()
    await store.ensure(WANTED)


async def test_a_missing_installer_or_folder(
    tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentFailedError, match="Not a directory"):
        await EnvironmentStore(asked.parent / "uv" / "x").ensure(WANTED)
    monkeypatch.setattr(environments, "_UV", tmp_path / "none")
    with pytest.raises(EnvironmentFailedError, match=r"cannot create .*none"):
        await EnvironmentStore(tmp_path / "environments").ensure(WANTED)


def test_another_order_or_interpreter_is_another_environment() -> None:
    digests = {
        RequirementSet((Install(("a", "b")),)).digest("cp311"),
        RequirementSet((Install(("b", "a")),)).digest("cp311"),
        RequirementSet((Install(("a", "b")),)).digest("cp312"),
        RequirementSet((Install(("a", "b"), ("--no-deps",)),)).digest("cp311"),
    }
    assert len(digests) == 4
