"""Settings from the environment: invalid ones are named, and the service does not start."""

from __future__ import annotations

import pytest
from headrace_runtime.service import run_service
from headrace_runtime.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="HEADRACE_TEST_", frozen=True, extra="ignore")


async def never(_: Settings) -> None:
    raise AssertionError("must not start")


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HEADRACE_TEST_NATS_URL", "nats://u:secret-word@h:1")
    monkeypatch.setenv("HEADRACE_TEST_HTTP_PORT", "8000")
    return monkeypatch


@pytest.mark.usefixtures("complete")
def test_a_secret_is_not_in_the_representation() -> None:
    settings = Settings()  # type: ignore[call-arg]
    assert settings.http_port == 8000
    assert "secret-word" not in repr(settings)


def test_each_missing_or_wrong_setting_is_named(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    complete.delenv("HEADRACE_TEST_NATS_URL")
    complete.setenv("HEADRACE_TEST_HTTP_PORT", "many")
    complete.setenv("HEADRACE_TEST_LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as ended:
        run_service(Settings, never)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == "setting HEADRACE_TEST_NATS_URL: Field required"
    assert lines[1].startswith("setting HEADRACE_TEST_HTTP_PORT: ")
    assert lines[2].startswith("setting HEADRACE_TEST_LOG_LEVEL: ")
    assert "secret-word" not in "".join(lines)
