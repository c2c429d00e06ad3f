"""The step package: the few files of Headrace's SDK that run inside a step, as a folder."""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from headrace import step_package

_DRAFT = ".draft-"
_DRAFT_SECONDS = 3600.0


class StepPackage:
    """A folder for the ``PYTHONPATH`` of steps that use Headrace's own SDK.

    Invariant: its name contains the digest of its files, and it exists only when it is complete.
    """

    def __init__(self, parent: Path) -> None:
        """`parent` is the folder in which it is created."""
        self._parent = parent
        self._files = step_package.files()
        self._path = parent / f"headrace-{step_package.digest(self._files)}"

    async def ensure(self) -> Path:
        """The folder, which is created if it does not exist.

        Raises:
            OSError: it cannot be created.
        """
        if not self._path.is_dir():
            await asyncio.to_thread(self._create)
        return self._path

    async def sweep(self) -> None:
        """Remove what a crash left half made. Nobody works for as long on a draft."""
        await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        for draft in self._parent.glob(f"{_DRAFT}*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                    shutil.rmtree(draft, ignore_errors=True)

    def _create(self) -> None:
        self._parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self._parent))
        try:
            draft.chmod(0o755)
            for name, content in self._files.items():
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            # Compiled by the Python that the environments are made of; another one ignores it.
            compileall.compile_dir(draft, quiet=2, stripdir=str(draft), prependdir=str(self._path))
            try:
                os.rename(draft, self._path)
            except OSError:  # another executor has created the same folder
                if not self._path.is_dir():
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
