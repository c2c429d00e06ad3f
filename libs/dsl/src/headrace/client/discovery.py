"""Finds the gateway's address and the token for it when the caller gives none."""

from __future__ import annotations

import json
import os
from pathlib import Path

from headrace.client.errors import ClientError


def default_data_folder() -> Path:
    """The data folder if none is given: ``HEADRACE_DATA``, else one in the user's home.

    For root it is outside of ``/root``, because Postgres runs as another user and must reach it.
    """
    if named := os.environ.get("HEADRACE_DATA"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/headrace")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "headrace"


def config_file() -> Path:
    """The user's file with tokens for remote gateways."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "headrace" / "config.toml"


def find_gateway(host: str | None, token: str | None, data: Path) -> tuple[str, str | None]:
    """The gateway's address, and the token for it or None.

    Without `host` it is the gateway of the deployment in `data`, whose own token is sent to this
    deployment only. The token for another address may be in `config_file`.

    Raises:
        ClientError: no address was given and the folder has no deployment (UNREACHABLE); the
            config file cannot be read, or the token has invalid characters (MALFORMED).
    """
    url, found = _address(host, token, data)
    if found is not None and not (found.isascii() and found.isprintable() and " " not in found):
        raise ClientError(
            "MALFORMED", "the token has invalid characters; tokens are printable ASCII, no spaces"
        )
    return url, found


def _address(host: str | None, token: str | None, data: Path) -> tuple[str, str | None]:
    if host is not None:
        return host, token or _configured_token(host)
    try:
        connection = json.loads((data / "connection.json").read_text())
        return connection["gateway_url"], token or connection.get("token")
    except (OSError, ValueError, KeyError):
        raise ClientError(
            "UNREACHABLE", f"there is no deployment in {data}; start one with: headrace up"
        ) from None


def _configured_token(host: str) -> str | None:
    """The token for a gateway in the user's config file; None if there is none."""
    import tomllib

    path = config_file()
    try:
        hosts = tomllib.loads(path.read_text("utf-8")).get("hosts", {})
        by_host = {name.rstrip("/"): entry for name, entry in hosts.items()}
        token = by_host.get(host.rstrip("/"), {}).get("token")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise ClientError("MALFORMED", f"cannot read {path}: {error}") from None
    return str(token) if token else None
