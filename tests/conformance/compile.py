"""Compiles the suite: ``python -m tests.conformance.compile FOLDER [kfp | headrace]``.

Writes a package for each case, and ``cases.json`` with the expected results.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.conformance import pipelines
from tests.conformance.cases import Case
from tests.differential.switch import switch


def modules() -> list[Any]:
    """The suite's modules that define cases, sorted by file name; ``_steps`` is not one."""
    folder = Path(pipelines.__path__[0])
    files = [path for path in folder.rglob("*.py") if not path.name.startswith("_")]
    files.sort(key=lambda path: path.name)
    names = (path.relative_to(folder).with_suffix("") for path in files)
    return [importlib.import_module(".".join((pipelines.__name__, *name.parts))) for name in names]


def main(folder: Path, sdk: str = "kfp") -> None:
    """Compile every case with an SDK into `folder`."""
    switch(sdk)
    compiler = importlib.import_module(f"{sdk}.compiler")
    folder.mkdir(parents=True, exist_ok=True)
    table: dict[str, Any] = {}
    for module in modules():
        topic = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
        for case in module.CASES:
            name = case.pipeline.name
            if name in table:
                raise SystemExit(f"two cases are named {name!r}")
            compiler.Compiler().compile(case.pipeline, str(folder / f"{name}.yaml"))
            table[name] = {"topic": topic, **_plain(case)}
    (folder / "cases.json").write_text(json.dumps(table, indent=1))


def _plain(case: Case) -> dict[str, Any]:
    return {k: v for k, v in asdict(replace(case, pipeline=None)).items() if k != "pipeline"}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), *sys.argv[2:])
