"""The output parameters of a command, by their types.

Source: KFP's ExecutorOutput and launcher: a value in the ExecutorOutput file comes first, else the
parameter's own file is read.
"""

from __future__ import annotations

import json
import math
from typing import Any

from headrace_launcher.failure import StepError

_SHOWN_CHARACTERS = 60
_EXACT = 2**53
"""Beyond this a float is not an exact integer."""
_INT64_END = 2**63


def executor_output(path: str) -> dict[str, Any]:
    """The ExecutorOutput file, empty when the command wrote none. Numbers that JSON does not have
    are read as their names in protobuf's JSON: ``"NaN"``, ``"Infinity"``."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file, parse_constant=str, parse_float=_number)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StepError("OUTPUT_INVALID", f"cannot read the executor output: {error}") from None
    if not isinstance(value, dict):
        raise StepError("OUTPUT_INVALID", "the executor output is not a JSON object")
    for part in ("parameterValues", "artifacts"):
        if not isinstance(value.get(part) or {}, dict):
            raise StepError(
                "OUTPUT_INVALID", f"{part!r} in the executor output is not a JSON object"
            )
    return value


def parameters(launch: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """The output parameters by name; null in the ExecutorOutput counts as absent."""
    given = output.get("parameterValues") or {}
    try:
        return _parameters(launch, given)
    except RecursionError:
        raise StepError("OUTPUT_INVALID", "an output parameter is nested too deeply") from None


def _parameters(launch: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for declared in launch["output_parameters"]:
        name, kind = declared["name"], declared["type"]
        value = given.get(name)
        if value is None:
            value = _text(name, declared["path"])
        if value is not None:
            values[name] = object_uri(launch, _convert(name, value, kind))
        elif not declared.get("optional"):
            raise StepError(
                "OUTPUT_MISSING", f"the step did not write its output parameter {name!r}"
            )
    return values


def object_uri(launch: dict[str, Any], value: Any) -> Any:
    """A parameter that is the local URI of one of the command's artifacts, or a path below it, as
    the URI in object storage: the local path is gone when the step has ended."""
    if not isinstance(value, str) or not value.startswith("/"):
        return value
    outputs = ((a["handed_uri"], a["uri"]) for a in launch.get("output_artifacts", ()))
    inputs = ((a["path"], a["uri"]) for a in launch.get("inputs", ()))
    for handed, uri in (*outputs, *inputs):
        if value == handed or value.startswith(handed + "/"):
            return uri + value[len(handed) :]
    return value


def storable(value: Any) -> Any:
    """A JSON value without characters and integers that a database cannot store; floats without a
    fraction become integers where that is exact."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode(errors="replace").decode()
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, int) and not -_INT64_END <= value < _INT64_END:
        return _number(str(value))
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def _text(name: str, path: str) -> str | None:
    """The content of the parameter's file, None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise StepError("OUTPUT_INVALID", f"output parameter {name!r} is not UTF-8 text") from None
    except OSError as error:
        raise StepError(
            "OUTPUT_INVALID", f"cannot read output parameter {name!r}: {error.strerror}"
        ) from None


def _convert(name: str, value: Any, kind: str) -> Any:
    """A JSON value, or its text, converted to the declared type."""
    try:
        converted = _parse(value, kind)
        if not _is_storable(converted):
            raise ValueError("characters that cannot be stored")
    except (ValueError, KeyError, TypeError, OverflowError):
        shown = value.strip() if isinstance(value, str) else json.dumps(value)
        shown = shown if len(shown) <= _SHOWN_CHARACTERS else shown[: _SHOWN_CHARACTERS - 3] + "..."
        raise StepError(
            "OUTPUT_INVALID", f"output parameter {name!r}: {shown!r} is not a {kind}"
        ) from None
    return storable(converted) if kind != "NUMBER_DOUBLE" else converted


def _parse(value: Any, kind: str) -> Any:
    stripped = value.strip() if isinstance(value, str) else value
    match kind:
        case "NUMBER_INTEGER":
            return _integer(stripped)
        case "NUMBER_DOUBLE":
            number = float(stripped)
            if not math.isfinite(number):
                raise ValueError("not finite")
            return storable(number)
        case "BOOLEAN":
            booleans = {"true": True, "1": True, "false": False, "0": False}
            return booleans[str(stripped).lower()]
        case "LIST" | "STRUCT":
            read = _json(stripped) if isinstance(stripped, str) else stripped
            if not isinstance(read, list if kind == "LIST" else dict):
                raise ValueError("not a list or object as declared")
            return read
        case _:
            return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _integer(value: Any) -> int:
    """An integer of 64 bits, which may be written as ``3.0``; digits keep their exact value."""
    if isinstance(value, int) or (isinstance(value, str) and value.lstrip("+-").isdigit()):
        whole = int(value)
    else:
        whole = int(value if isinstance(value, float) else float(value))
        if whole != float(value):
            raise ValueError("not an integer")
    if not -_INT64_END <= whole < _INT64_END:
        raise ValueError("too large")
    return whole


def _is_storable(value: Any) -> bool:
    """Whether every text in a value can be stored."""
    if isinstance(value, list):
        return all(_is_storable(item) for item in value)
    if isinstance(value, dict):
        return all(_is_storable(key) and _is_storable(item) for key, item in value.items())
    return not isinstance(value, str) or storable(value) == value


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=str, parse_float=_number)


def _number(text: str) -> float | str:
    """A float; one that is too large for a float stays a text."""
    number = float(text)
    return number if math.isfinite(number) else text
