"""The folder of the few files of the SDK that steps get to see: one for each version of them."""

from __future__ import annotations

import asyncio
import compileall
import os
import shutil
import tempfile
from pathlib import Path

from headrace.component import carried


class CarriedPackage:
    """What a step of Headrace's own SDK has on its ``PYTHONPATH``.

    Invariant: the folder has the digest of its files in its name, and is there when it is complete.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is where it is made."""
        self._folder = folder
        self._files = carried.files()
        self._path = folder / f"headrace-{carried.digest(self._files)}"

    async def ensure(self) -> Path:
        """The folder, made if need be.

        Raises:
            OSError: it cannot be made.
        """
        if not self._path.is_dir():
            await asyncio.to_thread(self._make)
        return self._path

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="headrace-", dir=self._folder))
        try:
            made.chmod(0o755)
            for name, content in self._files.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            # by this Python, of which the environments are made; another one ignores it
            compileall.compile_dir(made, quiet=2, stripdir=str(made), prependdir=str(self._path))
            try:
                os.rename(made, self._path)
            except OSError:  # another executor has just made the same
                if not self._path.is_dir():
                    raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
