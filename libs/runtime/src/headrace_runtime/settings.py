"""Settings that services share. Each service's own class combines them and sets the prefix."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings of every service, read from the environment once, in `__main__`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    nats_url: SecretStr
    """``nats://user:password@host:port``."""
    http_host: str = "127.0.0.1"
    http_port: int
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class PostgresSettings(BaseSettings):
    """How to connect to Postgres, for services that keep state."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    postgres_dsn: SecretStr
    """``postgresql://user:password@host:port/database``; the role owns the service's schema."""
    postgres_pool_size: int = 8
    """Four services of 8 stay below the 60 connections of a small Postgres."""


class InternalHttpSettings(BaseSettings):
    """For services that call each other over HTTP."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    service_token: SecretStr
    """Authenticates the gateway to the services behind it; page tokens are signed with it too."""


class ObjectStoreSettings(BaseSettings):
    """How to connect to the object store, for services that use it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    objects_endpoint: str
    objects_access_key: SecretStr
    objects_secret_key: SecretStr
    objects_bucket: str = "headrace"
    objects_region: str = "us-east-1"
