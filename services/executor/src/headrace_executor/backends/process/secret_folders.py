"""Secrets and config maps of a deployment: folders with a file for each key.

They are at ``secrets/NAMESPACE/NAME`` and ``config-maps/NAMESPACE/NAME`` of the data folder, and
are read anew for every launch.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from headrace_executor.core.platform import Kept


def read_kept(
    data: Path, namespace: str, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Kept]:
    """Those of the secrets and config maps, by which of the two they are and their names, that the
    deployment has for a namespace."""
    found: dict[tuple[str, str], Kept] = {}
    for kind, name in names:
        folder = data / kind / namespace / name
        if folder.is_dir():
            values = {path.name: _text(path) for path in folder.iterdir() if path.is_file()}
            found[kind, name] = Kept(str(folder), values)
    return found


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
