"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from headrace_runtime.settings import InternalHttpSettings, ServiceSettings, SpaceSettings
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from headrace_ui_gateway.auth.issuer_keys import is_safe
from headrace_ui_gateway.auth.rules.origins import networks
from headrace_ui_gateway.auth.rules.signed_tokens import ALGORITHMS

_CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(ServiceSettings, InternalHttpSettings, SpaceSettings):
    """Read from ``HEADRACE_UI_GATEWAY_*``."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_UI_GATEWAY_", frozen=True, extra="ignore"
    )

    api_url: str
    recorder_url: str
    max_package_bytes: int = 32 * 1024 * 1024
    """KFP's own limit for an upload."""
    live_per_second: float = 4.0
    """Largest rate of updates to a page: people can follow about four changes a second."""
    heartbeat_seconds: float = 15.0
    """Proxies close connections that are idle for 30 to 60 s."""

    mode: Literal["single_user", "multi_user"] = "single_user"
    """In single-user mode the caller owns everything; in multi-user mode users have roles in
    namespaces."""
    owner_token: SecretStr | None = None
    """The deployment's own token, with the role admin in every namespace."""
    trust_same_user: bool = False
    """Accept programs of the gateway's own user on this machine as the owner, without a token."""
    public_hosts: _CommaSeparated = ()
    """The gateway's host names, other than those of the loopback interface."""
    tokens_file: Path | None = None
    """Static tokens for machines: TOML if the name ends in ``.toml``, else JSON."""
    roles_file: Path | None = None
    """Roles of users and groups, in the same format."""

    oidc_issuer: str = ""
    """The identity provider, exactly as in the ``iss`` claim of its tokens; empty: none."""
    oidc_audience: str = ""
    """The required ``aud`` claim."""
    oidc_jwks_url: str = ""
    """URL of the issuer's keys; empty: taken from its discovery document."""
    oidc_username_claim: str = "sub"
    """The only claim that an issuer never reassigns to another user."""
    oidc_groups_claim: str = "groups"
    oidc_algorithms: _CommaSeparated = ("RS256", "ES256")
    """The providers' defaults."""
    oidc_leeway_seconds: float = Field(default=30.0, ge=0, le=300)
    """Allowed clock difference; with NTP clocks differ by less than a second."""

    proxy_addresses: _CommaSeparated = ()
    """Addresses and networks of trusted proxies. Their headers name the user and the scheme."""
    userid_header: str = ""
    """The header in which a trusted proxy names the user, ``kubeflow-userid`` in Kubeflow; empty:
    proxies do not authenticate users."""
    userid_prefix: str = ""
    """Prefix of the user's name in that header."""

    requests_per_second: float = Field(default=500.0, gt=0)
    """For each caller, on average: about what one gateway can answer, so that a single user reaches
    the machine's limit first."""
    request_burst: int = Field(default=2000, ge=1)
    """For each caller, at once."""
    submissions_at_once: int = Field(default=4, ge=1)
    """Requests for new work that are passed on to the api at the same time. With more, the rate at
    which runs are accepted does not grow, and their latency does: see docs/performance.md."""
    submission_wait_seconds: float = Field(default=0.5, ge=0)
    """How long a request for new work waits for its turn before it is refused with a 429."""
    stranger_requests_per_second: float = Field(default=20.0, gt=0)
    """For each address without a valid credential."""
    stranger_request_burst: int = Field(default=100, ge=1)
    """The first load of a page makes about ten requests."""

    @field_validator(
        "public_hosts", "oidc_algorithms", "proxy_addresses", mode="before", check_fields=True
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _check_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for algorithm in value:
            if algorithm not in ALGORITHMS:
                raise ValueError(f"{algorithm} is not one of {', '.join(sorted(ALGORITHMS))}")
        return value

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _check_urls(cls, value: str) -> str:
        if value and not is_safe(value):
            raise ValueError("must be https, or http on this machine")
        return value

    @field_validator("proxy_addresses")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        networks(value)
        return value

    @model_validator(mode="after")
    def _check_combinations(self) -> Settings:
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError(
                "oidc_issuer requires oidc_audience: the issuer's tokens for other audiences must "
                "not be accepted"
            )
        if self.userid_header and not self.proxy_addresses:
            raise ValueError(
                "userid_header requires proxy_addresses: otherwise any client could send the header"
            )
        if self.mode == "multi_user" and self.trust_same_user:
            raise ValueError("trust_same_user requires mode single_user")
        return self
