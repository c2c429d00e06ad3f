"""From what a caller asks of a list to the SQL that finds one page of it.

A page begins after a place, not after a number of rows: the value that the list is sorted by and
the id of the last row. So inserts shift nothing, and page 1,000 costs what the first one does.
Every name in the SQL comes from the list's own fields and every value is an argument: no text of a
caller becomes SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from headrace_contracts.failures import RejectionCode
from headrace_contracts.ir.storable import unstorable

from headrace_runtime.errors import RejectedError
from headrace_runtime.lists.filters import (
    SEVERAL,
    Operation,
    Predicate,
    Scalar,
    parse_filter,
    refused,
)
from headrace_runtime.lists.tokens import TokenSigner

DEFAULT_SIZE, LARGEST_SIZE = 20, 200


class Kind(Enum):
    """What a field holds: its type in SQL."""

    TEXT = "text"
    ID = "uuid"
    TIME = "timestamptz"
    NUMBER = "double precision"
    FLAG = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """What a list can be filtered and sorted by. `sql` is an expression; where the list can be
    sorted by it, one that is never NULL."""

    sql: str
    kind: Kind
    sortable: bool = True


@dataclass(frozen=True, slots=True)
class Family:
    """Fields that a list can be filtered by and of which only the beginning of the name is known,
    such as ``tags.``. `sql` has ``{name}`` for the rest of it, which is an argument; its values
    may be NULL."""

    sql: str
    kind: Kind

    def member(self, name: str) -> Field:
        """The field for the rest of a name, as SQL names that rest."""
        return Field(self.sql.replace("{name}", name), self.kind, sortable=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a page, as it came: `where` are fields that have to have a value, None means
    any."""

    namespace: str | None = None
    filter: str = ""
    sort_by: str = ""
    page_size: int = 0
    page_token: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)


class Arguments:
    """The arguments of a statement; `add` gives the name by which the SQL refers to one."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def add(self, value: Any, kind: Kind, *, several: bool = False) -> str:
        """Keep a value; returns ``$n`` with its type."""
        self.values.append(value)
        return f"${len(self.values)}::{kind.value}{'[]' if several else ''}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, understood: what it is sorted by, what holds for its rows, and after
    which place it begins."""

    listing: Listing
    asked: Asked
    filter: str
    predicates: tuple[Predicate, ...]
    sort_key: str
    descending: bool
    size: int
    after: tuple[Any, str] | None
    """The sort value and id of the last row of the page before."""
    total: int | None
    """How many rows there are in all, as the first page counted."""

    def conditions(self, arguments: Arguments) -> str:
        """What holds for every row of the list, as SQL; ``TRUE`` when nothing has to."""
        fields = self.listing.fields
        parts = []
        if self.asked.namespace is not None:
            parts.append(f"namespace = {arguments.add(self.asked.namespace, Kind.TEXT)}")
        for name, value in self.asked.where.items():
            if value is not None:
                known = fields[name]
                parts.append(f"{known.sql} = {arguments.add(value, known.kind)}")
        for one in self.predicates:
            parts.append(_condition(self.listing.filtered(one.key, arguments), one, arguments))
        return " AND ".join(parts) or "TRUE"

    def beyond(self, arguments: Arguments, sort_sql: str | None = None) -> str:
        """What holds for the rows after the page before, as SQL; ``TRUE`` on the first page."""
        if self.after is None:
            return "TRUE"
        value, identity = self.after
        sign = "<" if self.descending else ">"
        kind = self.sort_kind
        place = f"{arguments.add(_read(kind, value), kind)}, {arguments.add(identity, Kind.ID)}"
        return f"({sort_sql or self.sort_sql}, {self.listing.key}) {sign} ({place})"

    def order(self, sort_sql: str | None = None) -> str:
        """The content of ORDER BY."""
        direction = "DESC" if self.descending else "ASC"
        return f"{sort_sql or self.sort_sql} {direction}, {self.listing.key} {direction}"

    @property
    def sort_sql(self) -> str:
        """What the list is sorted by, as SQL."""
        return self.listing.fields[self.sort_key].sql

    @property
    def sort_kind(self) -> Kind:
        """The type of what the list is sorted by."""
        known = self.listing.fields.get(self.sort_key)
        return known.kind if known is not None else Kind.NUMBER

    def statement(self, sql: str) -> tuple[str, list[Any]]:
        """Fill a query's ``{sort}``, ``{where}``, ``{order}`` and ``{limit}``; it finds one row
        more than the page has, which says whether there is another page."""
        arguments = Arguments()
        where = f"{self.conditions(arguments)} AND {self.beyond(arguments)}"
        parts = {
            "{sort}": self.sort_sql,
            "{where}": where,
            "{order}": self.order(),
            "{limit}": str(self.size + 1),
        }
        for name, text in parts.items():
            sql = sql.replace(name, text)
        return sql, arguments.values

    def next_token(self, value: Any, identity: UUID | str, total: int | None) -> str:
        """The token of the page after the row with this sort value and id."""
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, UUID):
            value = str(value)
        return self.listing.signer.write(
            {
                "sort": f"{self.sort_key} {'desc' if self.descending else 'asc'}",
                "filter": self.filter,
                "of": self.listing.scope(self.asked),
                "after": [value, str(identity)],
                "total": total,
            }
        )


class Listing:
    """A list that is given out in pages."""

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Field],
        key: str,
        signer: TokenSigner,
        *,
        default_sort: str = "created_at desc",
        sort_prefixes: Sequence[str] = (),
        families: Mapping[str, Family] | None = None,
    ) -> None:
        """`key` is the id's expression. A `sort_by` that begins with one of `sort_prefixes` is
        for the list itself to understand. `families` are by the beginning of the name."""
        self.name = name
        self.fields = fields
        self.key = key
        self.signer = signer
        self._default_sort = default_sort
        self._sort_prefixes = tuple(sort_prefixes)
        self._families = dict(families or {})

    def page(self, asked: Asked) -> Page:
        """Understand a request.

        Raises:
            RejectedError: one of its parts is not of the grammar, names a field that the list does
                not have, or does not belong to its page token.
        """
        token = self.signer.read(asked.page_token) if asked.page_token else {}
        if token and token["of"] != self.scope(asked):
            raise _mismatch("another list")
        if token and asked.filter and parse_filter(asked.filter) != parse_filter(token["filter"]):
            raise _mismatch("another filter")
        text = token.get("filter", asked.filter)
        key, descending = self._sort(token.get("sort") or asked.sort_by or self._default_sort)
        if token and asked.sort_by and self._sort(asked.sort_by) != (key, descending):
            raise _mismatch("another order")
        predicates = parse_filter(text)
        for predicate in predicates:
            self._check(predicate)
        if asked.page_size < 0:
            raise RejectedError.because(
                RejectionCode.MALFORMED, "page_size is below 0", "page_size"
            )
        return Page(
            listing=self,
            asked=asked,
            filter=text,
            predicates=predicates,
            sort_key=key,
            descending=descending,
            size=min(asked.page_size or DEFAULT_SIZE, LARGEST_SIZE),
            after=tuple(token["after"]) if token else None,
            total=token.get("total"),
        )

    def filtered(self, key: str, arguments: Arguments) -> Field:
        """The field that a known key names; what a family leaves open becomes an argument."""
        family = self._family(key)
        if key in self.fields or family is None:
            return self.fields[key]
        rest = key.removeprefix(family)
        return self._families[family].member(arguments.add(rest, Kind.TEXT))

    def _family(self, key: str) -> str | None:
        if unstorable(key) is not None:
            return None
        named = (one for one in self._families if key.startswith(one) and key != one)
        return next(named, None)

    def scope(self, asked: Asked) -> list[Any]:
        """What a token belongs to."""
        where = {k: str(v) for k, v in sorted(asked.where.items()) if v is not None}
        return [self.name, asked.namespace, where]

    def _sort(self, text: str) -> tuple[str, bool]:
        key, _, direction = text.strip().rpartition(" ")
        if direction.lower() not in ("asc", "desc") or not key:
            key, direction = text.strip(), "asc"
        key = key.strip()
        known = self.fields.get(key)
        if not key.startswith(self._sort_prefixes or ("\0",)) and (
            known is None or not known.sortable
        ):
            raise RejectedError.because(
                RejectionCode.MALFORMED, f"{self.name} cannot be sorted by {key!r}", "sort_by"
            )
        return key, direction.lower() == "desc"

    def _check(self, predicate: Predicate) -> None:
        known: Field | Family | None = self.fields.get(predicate.key)
        if known is None and (family := self._family(predicate.key)) is not None:
            known = self._families[family]
        if known is None:
            raise refused(f"{self.name} have no field {predicate.key!r}")
        if predicate.operation is Operation.IS_SUBSTRING:
            if known.kind not in (Kind.TEXT, Kind.ID) or not isinstance(predicate.value, str):
                raise refused(f"IS_SUBSTRING on {predicate.key!r} needs texts")
            return
        values = predicate.value if isinstance(predicate.value, tuple) else (predicate.value,)
        for value in values:
            _fit(known, value, predicate.key)


def _condition(known: Field, one: Predicate, arguments: Arguments) -> str:
    if one.operation is Operation.IS_SUBSTRING:
        pattern = "%" + _literal(str(one.value)) + "%"
        return f"({known.sql})::text ILIKE {arguments.add(pattern, Kind.TEXT)}"
    if one.operation in SEVERAL:
        assert isinstance(one.value, tuple)
        values = [_fit(known, value, one.key) for value in one.value]
        given = arguments.add(
            [value for value in values if value is not None], known.kind, several=True
        )
        if one.operation is Operation.IN:
            return f"{known.sql} = ANY({given})"
        return f"({known.sql} <> ALL({given})) IS NOT FALSE"  # what has no value is not among them
    assert not isinstance(one.value, tuple)
    value = _fit(known, one.value, one.key)
    if value is None:  # an id that no row can have
        return "TRUE" if one.operation is Operation.NOT_EQUALS else "FALSE"
    return f"{known.sql} {_SIGNS[one.operation]} {arguments.add(value, known.kind)}"


_SIGNS = {
    Operation.EQUALS: "=",
    Operation.NOT_EQUALS: "IS DISTINCT FROM",
    Operation.GREATER_THAN: ">",
    Operation.GREATER_THAN_EQUALS: ">=",
    Operation.LESS_THAN: "<",
    Operation.LESS_THAN_EQUALS: "<=",
}


def _fit(known: Field | Family, value: Scalar, key: str) -> Any:
    """The value as the field's type has it; None for an id that is not one.

    Raises:
        RejectedError: it is of another type.
    """
    if known.kind is Kind.ID and isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            return None
    if known.kind is Kind.FLAG and value in ("true", "false"):
        return value == "true"
    if known.kind is Kind.TIME and isinstance(value, datetime):
        return value
    if known.kind is Kind.NUMBER and isinstance(value, int):
        return float(value)
    if known.kind is Kind.TEXT and isinstance(value, str):
        return value
    raise refused(f"{value!r} is not a value of {key!r}")


def _read(kind: Kind, value: Any) -> Any:
    return datetime.fromisoformat(value) if kind is Kind.TIME else value


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _mismatch(what: str) -> RejectedError:
    return RejectedError.because(
        RejectionCode.MALFORMED, f"page_token belongs to {what}", "page_token"
    )
