"""Secrets and config maps of a deployment: folders with one file for each key.

They are at ``secrets/NAMESPACE/NAME`` and ``config-maps/NAMESPACE/NAME`` of the data folder, and
are read for every launch, so that a change reaches the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from headrace_executor.core.platform import KeyFolder


def read_key_folders(
    data: Path, namespace: str, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], KeyFolder]:
    """The secrets and config maps that a namespace has, of those in `names`; each by its kind
    (``secrets`` or ``config-maps``) and its name."""
    found: dict[tuple[str, str], KeyFolder] = {}
    for kind, name in names:
        folder = data / kind / namespace / name
        if folder.is_dir():
            values = {path.name: _text(path) for path in folder.iterdir() if path.is_file()}
            found[kind, name] = KeyFolder(str(folder), values)
    return found


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")
