"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from headrace_runtime.settings import InternalHttpSettings, ServiceSettings
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from headrace_ui_gateway.auth.issuer_keys import is_safe
from headrace_ui_gateway.auth.rules.origins import networks
from headrace_ui_gateway.auth.rules.signed_tokens import ALGORITHMS

_Words = Annotated[tuple[str, ...], NoDecode]
"""Words with commas between them."""


class Settings(ServiceSettings, InternalHttpSettings):
    """Read from ``HEADRACE_UI_GATEWAY_*``."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_UI_GATEWAY_", frozen=True, extra="ignore"
    )

    api_url: str
    recorder_url: str
    max_package_bytes: int = 32 * 1024 * 1024
    """KFP's own limit for an upload."""
    live_per_second: float = 4.0
    """How often a page is told of news at most: the eye follows four changes a second."""
    heartbeat_seconds: float = 15.0
    """Proxies cut connections that are silent for 30 to 60 s."""

    mode: Literal["single_user", "multi_user"] = "single_user"
    """With one user everything is his; with several, each has roles in namespaces."""
    owner_token: SecretStr | None = None
    """The deployment's own token: its holder is admin of every namespace."""
    trust_same_user: bool = False
    """Take a program of the gateway's own user on this machine as the owner, without a token."""
    public_hosts: _Words = ()
    """Names by which the gateway is reached other than those of the loopback interface."""
    tokens_file: Path | None = None
    """Static tokens for machines: TOML by its ending, else JSON."""
    roles_file: Path | None = None
    """Roles of users and groups, in the same formats."""

    oidc_issuer: str = ""
    """Whose tokens are taken, exactly as they say it in ``iss``; empty: nobody's."""
    oidc_audience: str = ""
    """What a token has to be made for."""
    oidc_jwks_url: str = ""
    """Where the issuer's keys are; empty: where its discovery document says."""
    oidc_username_claim: str = "sub"
    """The one claim that an issuer never gives to somebody else."""
    oidc_groups_claim: str = "groups"
    oidc_algorithms: _Words = ("RS256", "ES256")
    """What providers sign with unless told otherwise."""
    oidc_leeway_seconds: float = Field(default=30.0, ge=0, le=300)
    """How far two machines' clocks may differ; with NTP it is below a second."""

    proxy_addresses: _Words = ()
    """Addresses and networks of proxies in front, which tell who asks and by which scheme."""
    userid_header: str = ""
    """The header in which such a proxy tells the user, ``kubeflow-userid`` in Kubeflow; empty: a
    proxy's word is not taken."""
    userid_prefix: str = ""
    """What stands before the user's name in it."""

    requests_per_second: float = Field(default=500.0, gt=0)
    """Of each caller, in the long run: about what one gateway can answer, so that a single user
    meets his machine's limit first."""
    request_burst: int = Field(default=2000, ge=1)
    """Of each caller, at once."""
    stranger_requests_per_second: float = Field(default=20.0, gt=0)
    """Of each address that shows no credential, or a wrong one."""
    stranger_request_burst: int = Field(default=100, ge=1)
    """A page that loads for the first time makes about ten."""

    @field_validator(
        "public_hosts", "oidc_algorithms", "proxy_addresses", mode="before", check_fields=True
    )
    @classmethod
    def _words(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _have_a_public_key(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for algorithm in value:
            if algorithm not in ALGORITHMS:
                raise ValueError(f"{algorithm} is not one of {', '.join(sorted(ALGORITHMS))}")
        return value

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _can_be_trusted(cls, value: str) -> str:
        if value and not is_safe(value):
            raise ValueError("must be https, or http on this machine")
        return value

    @field_validator("proxy_addresses")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        networks(value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("oidc_issuer needs oidc_audience: a token for others is not for us")
        if self.userid_header and not self.proxy_addresses:
            raise ValueError("userid_header needs proxy_addresses: else anybody can send it")
        if self.mode == "multi_user" and self.trust_same_user:
            raise ValueError("trust_same_user is for a single user")
        return self
