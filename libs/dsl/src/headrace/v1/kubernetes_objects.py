"""Reads objects of Kubernetes' Python client, or dicts of the same, without that package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.v1.refused import refuse


def field_of(value: Any, name: str) -> Any:
    """A field by its name in Python, ``secret_name``; of a dict also as ``secretName``."""
    if isinstance(value, Mapping):
        return value.get(name, value.get(_json_name(name)))
    return getattr(value, name, None)


def _json_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def _fields(value: Any) -> Any:
    return {_json_name(name): each for name, each in vars(value).items()}


def to_json(value: Any) -> Any:
    """An object as the JSON that Kubernetes has it by."""
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [to_json(each) for each in value]
    names = getattr(value, "attribute_map", None)
    if names is None:
        return to_json(_fields(value)) if hasattr(value, "__dict__") else value
    found = {key: getattr(value, name, None) for name, key in names.items()}
    return {key: to_json(each) for key, each in found.items() if each is not None}


def check_only(value: Any, known: tuple[str, ...], what: str, instead: str) -> None:
    """Check that an object says nothing beside the known fields, which have their names in JSON.

    Raises:
        NotInIRError: it does.
    """
    others = sorted(key for key, each in to_json(value).items() if key not in known and each)
    if others:
        refuse(f"{what} with {', '.join(others)}", instead)
