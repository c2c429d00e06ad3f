"""Every path that the guides for developers name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
GUIDES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "architecture").glob("*.md"))]
TOP_FOLDERS = ("deploy", "docs", "examples", "libs", "services", "tests")

MAP = ROOT / "docs" / "architecture" / "README.md"
MAP_FOLDERS = {
    folder.name.removeprefix("headrace_"): folder
    for folder in [
        *ROOT.glob("services/*/src/headrace_*"),
        *ROOT.glob("libs/*/src/headrace_*"),
        ROOT / "libs" / "dsl" / "src" / "headrace",
    ]
    if folder.is_dir()
}
"""What the first part of a path in the repository map stands for."""

_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)[^)]*\)")
_QUOTED_PATH = re.compile(rf"`((?:{'|'.join(TOP_FOLDERS)})/[^`\s]*)`")
_MAP_PATH = re.compile(rf"`({'|'.join(MAP_FOLDERS)})/([^`\s]+)`")


def missing_paths(page: Path) -> Iterator[str]:
    """The targets of relative links and, in guides, the back-quoted paths from the root of the
    repository that do not exist."""
    text = _CODE_BLOCK.sub("", page.read_text())
    for target in _LINK.findall(text):
        if not (page.parent / target).exists():
            yield target
    if page in GUIDES:
        for path in _QUOTED_PATH.findall(text):
            if not (ROOT / path).exists():
                yield path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_exists(page: Path) -> None:
    assert list(missing_paths(page)) == []


def test_every_path_of_the_repository_map_exists() -> None:
    paths = _MAP_PATH.findall(MAP.read_text())
    assert len(paths) > 50
    missing = [f"{part}/{rest}" for part, rest in paths if not (MAP_FOLDERS[part] / rest).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture/local.md"])
def test_paths_are_found(name: str) -> None:
    """Guards against a pattern that matches nothing."""
    assert _QUOTED_PATH.search((ROOT / name).read_text())


def test_a_missing_path_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`libs/none.py` [text](none.md) [here](page.md#part) [web](https://example.org)\n"
        "`runs/team/x` is an object key.\n```\n[block](block.md)\n```\n"
    )
    assert list(missing_paths(page)) == ["none.md"]
    monkeypatch.setitem(globals(), "GUIDES", [page])
    assert list(missing_paths(page)) == ["none.md", "libs/none.py"]
