"""Settings that every service has. A service's own class adds to them and sets the prefix."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read from the environment, once, in `__main__`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    nats_url: SecretStr
    """``nats://user:password@host:port``."""
    http_host: str = "127.0.0.1"
    http_port: int
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class PostgresSettings(BaseSettings):
    """Where Postgres is, for the services that keep state."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    postgres_dsn: SecretStr
    """``postgresql://user:password@host:port/database``; the role owns the service's schema."""
    postgres_pool_size: int = 8
    """Four services of 8 stay below the 60 connections of a small Postgres."""


class InternalHttpSettings(BaseSettings):
    """Of the services that speak HTTP with each other."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    service_token: SecretStr
    """What the gateway shows to the services behind it; page tokens are signed with it as well."""


class ObjectStoreSettings(BaseSettings):
    """Where the object store is, for the services that use it."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    objects_endpoint: str
    objects_access_key: SecretStr
    objects_secret_key: SecretStr
    objects_bucket: str = "headrace"
    objects_region: str = "us-east-1"
