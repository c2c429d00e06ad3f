"""Reads objects of the Kubernetes Python client, or equivalent dicts, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.v1.refused import refuse


def field_of(value: Any, name: str) -> Any:
    """A field by its Python name, such as ``secret_name``; in a dict also ``secretName``."""
    if isinstance(value, Mapping):
        return value.get(name, value.get(_json_name(name)))
    return getattr(value, name, None)


def _json_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def _fields(value: Any) -> Any:
    return {_json_name(name): each for name, each in vars(value).items()}


def to_json(value: Any) -> Any:
    """Convert an object to Kubernetes JSON."""
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [to_json(each) for each in value]
    names = getattr(value, "attribute_map", None)
    if names is None:
        return to_json(_fields(value)) if hasattr(value, "__dict__") else value
    found = {key: getattr(value, name, None) for name, key in names.items()}
    return {key: to_json(each) for key, each in found.items() if each is not None}


def check_known_fields(value: Any, known: tuple[str, ...], what: str, instead: str) -> None:
    """Check that an object sets no other fields than the known ones, given by their JSON names.

    Raises:
        NotInIRError: It does; the message starts with `what` and ends with `instead`.
    """
    others = sorted(key for key, each in to_json(value).items() if key not in known and each)
    if others:
        refuse(f"{what} with {', '.join(others)}", instead)
