"""The files of the repository, as git lists them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from tests.support.deployment import ROOT

CODE = {".py", ".sql", ".js", ".jsx", ".ts", ".tsx", ".css", ".html", ".sh"}
SOURCES = ("libs", "services", "deploy")


@cache
def tracked() -> tuple[PurePosixPath, ...]:
    """Tracked files, and new ones that are not ignored, relative to the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (PurePosixPath(name) for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def code() -> Iterator[PurePosixPath]:
    """Source files of every language, tests and examples included."""
    return (path for path in tracked() if path.suffix in CODE)


def text(path: PurePosixPath) -> str | None:
    """The content of a file; None when it is binary."""
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return None


def packages() -> dict[str, Path]:
    """The folder of each of our Python packages, by its import name."""
    roots = (ROOT.joinpath(*path.parent.parts) for path in tracked() if path.name == "__init__.py")
    members = (root for root in roots if root.parent.name == "src")
    return {root.name: root for root in sorted(members)}
