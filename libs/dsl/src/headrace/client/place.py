"""Where the gateway is, and the token for it, when neither is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

from headrace.client.errors import ClientError


def default_data() -> Path:
    """The data folder when none is named. As root it lies where Postgres' user can reach it."""
    if named := os.environ.get("HEADRACE_DATA"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/headrace")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "headrace"


def config_file() -> Path:
    """Where the user keeps his tokens for gateways elsewhere."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "headrace" / "config.toml"


def place(host: str | None, token: str | None, data: Path) -> tuple[str, str | None]:
    """The gateway's address, and the token for it. A deployment's own token is sent to that
    deployment alone; for another address the user's config may have one.

    Raises:
        ClientError: no address was given and there is no deployment in the folder (UNREACHABLE);
            the config cannot be read, or the token cannot be one (MALFORMED).
    """
    url, found = _found(host, token, data)
    if found is not None and not (found.isascii() and found.isprintable() and " " not in found):
        raise ClientError("MALFORMED", "the token has characters that no token has")
    return url, found


def _found(host: str | None, token: str | None, data: Path) -> tuple[str, str | None]:
    if host is not None:
        return host, token or _kept_token(host)
    try:
        connection = json.loads((data / "connection.json").read_text())
        return connection["gateway_url"], token or connection.get("token")
    except (OSError, ValueError, KeyError):
        raise ClientError(
            "UNREACHABLE", f"there is no deployment in {data}; start one with: headrace up"
        ) from None


def _kept_token(host: str) -> str | None:
    """The token that the user's own config has for a gateway; None without one."""
    import tomllib

    path = config_file()
    try:
        hosts = tomllib.loads(path.read_text("utf-8")).get("hosts", {})
        entry = {name.rstrip("/"): kept for name, kept in hosts.items()}.get(host.rstrip("/"), {})
        token = entry.get("token")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise ClientError("MALFORMED", f"{path} cannot be read: {error}") from None
    return str(token) if token else None
