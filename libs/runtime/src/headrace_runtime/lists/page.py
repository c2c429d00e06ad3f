"""Translates a request for a page of a list into SQL.

Keyset pagination: a page starts after the sort value and id of the last row of the page before, so
inserts do not shift pages, and page 1,000 costs as much as page 1. Every name in the SQL comes from
the list's own fields and every value is an argument: no text from a caller becomes SQL.
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
    LIST_OPERATIONS,
    Operation,
    Predicate,
    Scalar,
    invalid_filter,
    parse_filter,
)
from headrace_runtime.lists.tokens import TokenSigner

DEFAULT_SIZE, LARGEST_SIZE = 20, 200


class Kind(Enum):
    """The SQL type of a field."""

    TEXT = "text"
    ID = "uuid"
    TIME = "timestamptz"
    NUMBER = "double precision"
    FLAG = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """A field for filters and sorting. `sql` is an expression; it must not be NULL if the field is
    sortable."""

    sql: str
    kind: Kind
    sortable: bool = True


@dataclass(frozen=True, slots=True)
class FieldFamily:
    """Fields for filters that share the prefix of their names, such as ``tags.``. In `sql`,
    ``{name}`` stands for the rest of the name, which is passed as an argument. The values may be
    NULL."""

    sql: str
    kind: Kind

    def member(self, name: str) -> Field:
        """The field for one name; `name` is the SQL of the argument that holds the rest of it."""
        return Field(self.sql.replace("{name}", name), self.kind, sortable=False)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request for a page, not yet checked. `where` maps fields to required values; None is any
    value."""

    namespace: str | None = None
    filter: str = ""
    sort_by: str = ""
    page_size: int = 0
    page_token: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)


class Arguments:
    """The arguments of a statement."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def add(self, value: Any, kind: Kind, *, several: bool = False) -> str:
        """Append a value and return the SQL that refers to it: ``$n`` with its type."""
        self.values.append(value)
        return f"${len(self.values)}::{kind.value}{'[]' if several else ''}"


@dataclass(frozen=True, slots=True)
class Page:
    """A checked request for a page: its order, its predicates and where it starts."""

    definition: ListDefinition
    request: PageRequest
    filter: str
    predicates: tuple[Predicate, ...]
    sort_key: str
    descending: bool
    size: int
    after: tuple[Any, str] | None
    """The sort value and id of the last row of the page before."""
    total: int | None
    """The number of all rows, as counted for the first page."""

    def conditions(self, arguments: Arguments) -> str:
        """The SQL condition for all rows of the list; ``TRUE`` if there is none."""
        fields = self.definition.fields
        parts = []
        if self.request.namespace is not None:
            parts.append(f"namespace = {arguments.add(self.request.namespace, Kind.TEXT)}")
        for name, value in self.request.where.items():
            if value is not None:
                known = fields[name]
                parts.append(f"{known.sql} = {arguments.add(value, known.kind)}")
        for one in self.predicates:
            parts.append(_condition(self.definition.filtered(one.key, arguments), one, arguments))
        return " AND ".join(parts) or "TRUE"

    def beyond(self, arguments: Arguments, sort_sql: str | None = None) -> str:
        """The SQL condition for rows after the page before; ``TRUE`` for the first page."""
        if self.after is None:
            return "TRUE"
        value, identity = self.after
        sign = "<" if self.descending else ">"
        kind = self.sort_kind
        place = f"{arguments.add(_decode(kind, value), kind)}, {arguments.add(identity, Kind.ID)}"
        return f"({sort_sql or self.sort_sql}, {self.definition.key}) {sign} ({place})"

    def order(self, sort_sql: str | None = None) -> str:
        """The content of ORDER BY."""
        direction = "DESC" if self.descending else "ASC"
        return f"{sort_sql or self.sort_sql} {direction}, {self.definition.key} {direction}"

    @property
    def sort_sql(self) -> str:
        """The SQL of the sort value."""
        return self.definition.fields[self.sort_key].sql

    @property
    def sort_kind(self) -> Kind:
        """The type of the sort value."""
        known = self.definition.fields.get(self.sort_key)
        return known.kind if known is not None else Kind.NUMBER

    def statement(self, sql: str) -> tuple[str, list[Any]]:
        """Fill a query's ``{sort}``, ``{where}``, ``{order}`` and ``{limit}``. The limit is one row
        more than the page has, to find out whether there is a next page."""
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
        """The token of the page that starts after the row with this sort value and id."""
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, UUID):
            value = str(value)
        return self.definition.signer.write(
            {
                "sort": f"{self.sort_key} {'desc' if self.descending else 'asc'}",
                "filter": self.filter,
                "of": self.definition.scope(self.request),
                "after": [value, str(identity)],
                "total": total,
            }
        )


class ListDefinition:
    """The definition of a list that is read in pages."""

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Field],
        key: str,
        signer: TokenSigner,
        *,
        default_sort: str = "created_at desc",
        sort_prefixes: Sequence[str] = (),
        families: Mapping[str, FieldFamily] | None = None,
    ) -> None:
        """`key` is the SQL of the id. A `sort_by` that begins with one of `sort_prefixes` is
        resolved by the list itself. `families` are by the prefix of the name."""
        self.name = name
        self.fields = fields
        self.key = key
        self.signer = signer
        self._default_sort = default_sort
        self._sort_prefixes = tuple(sort_prefixes)
        self._families = dict(families or {})

    def page(self, request: PageRequest) -> Page:
        """Check a request.

        Raises:
            RejectedError: a part of it is malformed, names an unknown field, or does not match its
                page token.
        """
        token = self.signer.read(request.page_token) if request.page_token else {}
        if token and token["of"] != self.scope(request):
            raise _mismatch("another list")
        if (
            token
            and request.filter
            and parse_filter(request.filter) != parse_filter(token["filter"])
        ):
            raise _mismatch("another filter")
        text = token.get("filter", request.filter)
        key, descending = self._sort(token.get("sort") or request.sort_by or self._default_sort)
        if token and request.sort_by and self._sort(request.sort_by) != (key, descending):
            raise _mismatch("another order")
        predicates = parse_filter(text)
        for predicate in predicates:
            self._check(predicate)
        if request.page_size < 0:
            raise RejectedError.because(
                RejectionCode.MALFORMED, "page_size must not be negative", "page_size"
            )
        return Page(
            definition=self,
            request=request,
            filter=text,
            predicates=predicates,
            sort_key=key,
            descending=descending,
            size=min(request.page_size or DEFAULT_SIZE, LARGEST_SIZE),
            after=tuple(token["after"]) if token else None,
            total=token.get("total"),
        )

    def filtered(self, key: str, arguments: Arguments) -> Field:
        """The field of a known key; for a family, the rest of the key becomes an argument."""
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

    def scope(self, request: PageRequest) -> list[Any]:
        """What a page token is valid for."""
        where = {k: str(v) for k, v in sorted(request.where.items()) if v is not None}
        return [self.name, request.namespace, where]

    def _sort(self, text: str) -> tuple[str, bool]:
        key, _, direction = text.strip().rpartition(" ")
        if direction.lower() not in ("asc", "desc") or not key:
            key, direction = text.strip(), "asc"
        key = key.strip()
        known = self.fields.get(key)
        if not key.startswith(self._sort_prefixes) and (known is None or not known.sortable):
            raise RejectedError.because(
                RejectionCode.MALFORMED, f"{self.name} cannot be sorted by {key!r}", "sort_by"
            )
        return key, direction.lower() == "desc"

    def _check(self, predicate: Predicate) -> None:
        known: Field | FieldFamily | None = self.fields.get(predicate.key)
        if known is None and (family := self._family(predicate.key)) is not None:
            known = self._families[family]
        if known is None:
            raise invalid_filter(f"{self.name} have no field {predicate.key!r}")
        if predicate.operation is Operation.IS_SUBSTRING:
            if known.kind not in (Kind.TEXT, Kind.ID) or not isinstance(predicate.value, str):
                raise invalid_filter(f"IS_SUBSTRING on {predicate.key!r} takes strings")
            return
        values = predicate.value if isinstance(predicate.value, tuple) else (predicate.value,)
        for value in values:
            _convert(known, value, predicate.key)


def _condition(known: Field, one: Predicate, arguments: Arguments) -> str:
    if one.operation is Operation.IS_SUBSTRING:
        pattern = "%" + _escape_like(str(one.value)) + "%"
        return f"({known.sql})::text ILIKE {arguments.add(pattern, Kind.TEXT)}"
    if one.operation in LIST_OPERATIONS:
        assert isinstance(one.value, tuple)
        values = [_convert(known, value, one.key) for value in one.value]
        given = arguments.add(
            [value for value in values if value is not None], known.kind, several=True
        )
        if one.operation is Operation.IN:
            return f"{known.sql} = ANY({given})"
        return f"({known.sql} <> ALL({given})) IS NOT FALSE"  # true if the value is NULL
    assert not isinstance(one.value, tuple)
    value = _convert(known, one.value, one.key)
    if value is None:  # not a UUID, so no row has this id
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


def _convert(known: Field | FieldFamily, value: Scalar, key: str) -> Any:
    """The value converted to the field's type; None for an id that is not a UUID.

    Raises:
        RejectedError: the value has another type.
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
    raise invalid_filter(f"{value!r} is not a valid value for {key!r}")


def _decode(kind: Kind, value: Any) -> Any:
    return datetime.fromisoformat(value) if kind is Kind.TIME else value


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _mismatch(what: str) -> RejectedError:
    return RejectedError.because(
        RejectionCode.MALFORMED,
        f"page_token was issued for {what}; repeat the request with the same parameters",
        "page_token",
    )
