"""The JSON encoding of KFP's messages, as pydantic types.

Source: protobuf's JSON mapping with KFP's options. Requests may name fields in snake_case or
camelCase, responses use snake_case; unknown names are rejected; `null` means absent. Responses
write 64-bit integers as strings; requests may send them as numbers. Responses write enums by name;
requests may send the number. Responses omit fields with the zero value of their type.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_NULL = {"type": "null"}


class Message(BaseModel):
    """A message, the same in requests and responses. Every field has a default: the zero value of
    its type; None for a timestamp or a message."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _normalize_names(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        names = _names(cls)
        values: dict[Any, Any] = {}
        for key, value in given.items():
            name = names.get(key, key)
            if name not in cls.model_fields and cls.model_config.get("extra") == "forbid":
                raise ValueError(f"unknown field {key!r}")
            if name in values:
                raise ValueError(f"duplicate field {name}")
            values[name] = value
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, described in properties.items():
            described.pop("title", None)
            if handler.mode == "validation" and _NULL not in described.get("anyOf", ()):
                properties[name] = {"anyOf": [described, _NULL]}
        return schema

    def to_json(self) -> bytes:
        """The message as JSON, without empty fields."""
        return self.model_dump_json(exclude_defaults=True).encode()

    def to_dict(self) -> dict[str, Any]:
        """The message as a JSON value, without empty fields."""
        return self.model_dump(mode="json", exclude_defaults=True)


@cache
def _names(kind: type[Message]) -> dict[str, str]:
    return {to_camel(name): name for name in kind.model_fields}


class ByNumber:
    """Annotates an enum whose values may also be given by their position in it, from 0."""

    def __get_pydantic_core_schema__(
        self, source: type[StrEnum], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        members = list(source)

        def read(given: Any) -> Any:
            if isinstance(given, str) and given.isascii() and given.isdigit():
                given = int(given[:9])
            if isinstance(given, int) and not isinstance(given, bool):
                if given not in range(len(members)):
                    raise ValueError(f"{given} is not a number of one of {', '.join(members)}")
                return members[given]
            return given

        return core_schema.no_info_before_validator_function(read, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        if handler.mode == "serialization":
            return schema
        last = len(handler.resolve_ref_schema(schema)["enum"]) - 1
        return {"anyOf": [schema, {"type": "integer", "minimum": 0, "maximum": last}]}


def _integer(given: Any, bits: int) -> int:
    number = given
    if isinstance(given, str) and given.lstrip("-").isascii() and given.lstrip("-").isdigit():
        number = int(given[:20])
    elif isinstance(given, float) and given.is_integer():
        number = int(given)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError("expected an integer, as a number or a string")
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(f"the number does not fit {bits} bits")
    return number


def _int32(given: Any) -> int:
    return _integer(given, 32)


def _int64(given: Any) -> int:
    return _integer(given, 64)


def _timestamp(given: Any) -> Any:
    if not isinstance(given, str | datetime):
        raise ValueError("expected a timestamp such as 2026-01-02T03:04:05Z")
    return given


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("the timestamp is outside of the years 1 to 9999") from None


class _InUtc:
    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_in_utc, handler(source))


_INTEGER = {"anyOf": [{"type": "string", "pattern": "^-?[0-9]{1,19}$"}, {"type": "integer"}]}
Int32 = Annotated[int, BeforeValidator(_int32), WithJsonSchema(_INTEGER, mode="validation")]
"""A 32-bit integer; responses write it as a number."""
Int64 = Annotated[
    int,
    BeforeValidator(_int64),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_INTEGER, mode="validation"),
    WithJsonSchema({"type": "string", "format": "int64"}, mode="serialization"),
]
"""A 64-bit integer; responses write it as a string."""
Bool = Annotated[bool, Strict()]
Timestamp = Annotated[AwareDatetime, BeforeValidator(_timestamp), _InUtc()]
"""An RFC 3339 timestamp; responses write it in UTC."""
Struct = dict[str, Any]
"""Any JSON object."""
