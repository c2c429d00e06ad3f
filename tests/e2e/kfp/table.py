"""Generates ``docs/kfp-api.md``, which lists what each call does, from the cases.

Run ``python -m tests.e2e.kfp.table`` to update it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.e2e.kfp.calls import CLIENT, COMMANDS, GENERATED
from tests.support.deployment import ROOT

PAGE = ROOT / "docs" / "kfp-api.md"
_BEFORE = ROOT / "tests" / "e2e" / "kfp" / "introduction.md"


def page() -> str:
    """The page: ``page.md``, then the tables."""
    parts = [_BEFORE.read_text().rstrip()]
    parts += ["## `kfp.Client`", _table("method", CLIENT.items())]
    parts.append("## `kfp_server_api`")
    for name, methods in GENERATED.items():
        parts += [f"### {name}", _table("method", methods.items())]
    parts += ["## `kfp`", _table("command", COMMANDS.items())]
    return "\n\n".join(parts) + "\n"


def _table(what: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {what} | in Headrace |", "|---|---|"]
    lines += [f"| `{name}` | {said} |" for name, said in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
