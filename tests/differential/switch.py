"""Loads pipelines that are written for kfp with another SDK.

Standard library only: it runs in the environment of kfp and in that of Headrace.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types
from collections.abc import Sequence
from pathlib import Path

FOLDERS = ("tests.conformance.pipelines", "tests.differential.pipelines")
_IMPORT = re.compile(rb"^(?P<indent>[ ]*)(?P<word>from|import) kfp\b", flags=re.M)
_ROOT = Path(__file__).resolve().parents[2]


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module as if it imported another SDK. Functions keep their source in the file, so
    that both SDKs write the same source into a component."""

    sdk = b""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        found: types.CodeType = self.source_to_code(self._switched(self.get_data(path)), path)
        return found

    def _switched(self, source: bytes) -> bytes:
        # `import kfp` becomes `import headrace as kfp`, so that the code after it is unchanged
        source = re.sub(rb"^import kfp$", b"import " + self.sdk + b" as kfp", source, flags=re.M)
        return _IMPORT.sub(rb"\g<indent>\g<word> " + self.sdk, source)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(FOLDERS):
            return None
        place = _ROOT.joinpath(*fullname.split("."))
        if place.is_dir():
            return None
        file = str(place.with_suffix(".py"))
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Loader(fullname, file)
        )


def switch(sdk: str) -> None:
    """Let the suites' modules import `sdk` in the place of kfp. Repeated calls do nothing."""
    is_switched = any(isinstance(finder, _Finder) for finder in sys.meta_path)
    if sdk != "kfp" and not is_switched:
        _Loader.sdk = sdk.encode()
        sys.meta_path.insert(0, _Finder())


def modules() -> list[str]:
    """The modules of both suites that define pipelines; those that start with ``_`` hold steps."""
    return [
        ".".join(path.relative_to(_ROOT).with_suffix("").parts)
        for package in FOLDERS
        for path in sorted(_ROOT.joinpath(*package.split(".")).rglob("*.py"))
        if not path.name.startswith("_")
    ]
