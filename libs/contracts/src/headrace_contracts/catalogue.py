"""The page of all messages, written from the contracts themselves.

``python -m headrace_contracts.catalogue`` writes it to ``docs/architecture/events.md``.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from headrace_contracts import commands, events, failures, subjects, values
from headrace_contracts.base import Contract
from headrace_contracts.schema import COMMANDS, EVENTS
from headrace_contracts.subjects import Subscription

PAGE = Path(__file__).parents[4] / "docs" / "architecture" / "events.md"

_REQUESTS = (
    *get_args(events.RunRequest),
    events.RunSubmitted,
    events.RunArchived,
    events.RunUnarchived,
    events.RunDeleted,
)
_HEAD = """\
# Messages

Written by `make schema` from [the contracts](../../libs/contracts); change those.

Each is JSON with a `type` and a version `v`. Events are on the stream `EVENTS`, commands on
`COMMANDS`. `<NN>` is the run's partition, 00 to 63; subscribe with `*` in its place. A reader takes
a `type` that it does not know as news it does not need, and ignores a field that it does not know.
A message may come more than once.
"""
_RUN_ID = UUID("0193a4c2-7b10-7c31-9a55-2f6f0e1d8b01")


def teller(model: type[Contract]) -> str:
    """Who sends messages of this type."""
    if model in EVENTS:
        tellers = {"submission": "api", "attempt": "executor"}
        known = tellers.get(_type(model).partition(".")[0], "scheduler")
        return "api" if model in _REQUESTS else known
    return "any program" if model is commands.SubmitRun else "scheduler"


def readers(model: type[Contract]) -> list[str]:
    """The services that have this type in their subscriptions."""
    subject = _sample(model)
    constants = [value for value in vars(subjects).values() if isinstance(value, Subscription)]
    return [
        subscription.durable.partition("-")[0]
        for subscription in (*constants, subjects.executor_commands("<cluster>"))
        if any(re.fullmatch(_expression(one), subject) for one in subscription.filters)
    ]


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, "## Events\n", *map(_section, EVENTS), "## Commands\n"]
    parts += [*map(_section, COMMANDS), "## Values\n\nWhat the fields above are made of.\n"]
    for value in _used([*EVENTS, *COMMANDS]):
        parts.append(f"### {value.__name__}\n\n{_words(value.__doc__)}\n\n{_table(value)}")
    return "\n".join(parts)


def _section(model: type[Contract]) -> str:
    subject = _sample(model).replace(str(_RUN_ID), "<run_id>")
    subject = re.sub(r"\.p\d\d\.", ".p<NN>.", subject)
    read_by = ", ".join(readers(model)) or "nobody"
    return (
        f"### `{_type(model)}`\n\n{_words(model.__doc__)}\n\n"
        f"`{subject}` · told by {teller(model)} · read by {read_by}\n\n{_table(model)}"
    )


def _table(model: type[Contract]) -> str:
    rows = list(_fields(model))
    head = "| field | type | default | meaning |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _fields(model: type[Contract]) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and meaning of each field as its class has them."""
    told: dict[str, tuple[str, str]] = {}
    for base in model.__mro__:
        if issubclass(base, Contract) and base is not Contract:
            told = {**_written(base), **told}
    message = "v" in model.model_fields
    for name, field in model.model_fields.items():
        if message and name in ("type", "v"):
            continue  # the heading and the introduction say them
        kind, meaning = told[name]
        default = "" if field.is_required() else f"`{json.dumps(field.default, default=dict)}`"
        yield f"`{field.alias or name}`", f"`{kind}`".replace("|", "\\|"), default, meaning


def _written(model: type[Contract]) -> dict[str, tuple[str, str]]:
    """Type and docstring of each field that the class itself declares."""
    found: dict[str, tuple[str, str]] = {}
    (definition,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    body = definition.body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told = after.value if isinstance(after, ast.Expr) else None
            meaning = told.value if isinstance(told, ast.Constant) else ""
            found[node.target.id] = (ast.unparse(node.annotation), _words(str(meaning)))
    return found


def _used(roots: Iterable[type[Contract]]) -> list[type[Contract]]:
    """The values that fields are made of, in the order in which they are first named."""
    known = {
        value.__name__: value
        for module in (values, failures, events, commands)
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Contract)
    }
    found: dict[str, type[Contract]] = {}
    waiting = list(roots)
    while waiting:
        kinds = chain.from_iterable(re.findall(r"\w+", row[1]) for row in _fields(waiting.pop(0)))
        fresh = {kind: known[kind] for kind in kinds if kind in known and kind not in found}
        found |= fresh
        waiting += fresh.values()
    return list(found.values())


def _sample(model: type[Contract]) -> str:
    """The subject of a message of this type."""
    parts = {"run_id": _RUN_ID, "request_id": "<request_id>", "cluster": "<cluster>"}
    message: Any = model.model_construct(type=_type(model), **parts)  # type: ignore[arg-type]
    return str(message.subject).replace(subjects.token("<request_id>"), "<request_id>")


def _expression(subscribed: str) -> str:
    return re.escape(subscribed).replace(r"\*", "[^.]+").replace(">", ".+")


def _type(model: type[Contract]) -> str:
    return str(model.model_fields["type"].default)


def _words(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page())
