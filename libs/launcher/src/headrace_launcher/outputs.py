"""What the command left: parameters by their types, artifacts by their files.

Source: KFP's ExecutorOutput, and the launcher's rules: a value in the ExecutorOutput file comes
first, else the parameter's own file is read.
"""

from __future__ import annotations

import json
import math
from typing import Any

from headrace_launcher.failure import StepError

_SHOWN = 60
_EXACT = 2**53
_BEYOND = 2**63


def executor_output(path: str) -> dict[str, Any]:
    """The ExecutorOutput file, empty when the command wrote none. Numbers that JSON does not know
    are read as their names, as protobuf's JSON has them: ``"NaN"``, ``"Infinity"``."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file, parse_constant=str, parse_float=_number)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StepError("OUTPUT_INVALID", f"the executor output cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise StepError("OUTPUT_INVALID", "the executor output is not an object")
    for part in ("parameterValues", "artifacts"):
        if not isinstance(value.get(part) or {}, dict):
            raise StepError("OUTPUT_INVALID", f"the executor output's {part} is not an object")
    return value


def parameters(launch: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """The output parameters by name; null in the ExecutorOutput is as if nothing was said."""
    given = output.get("parameterValues") or {}
    try:
        return _parameters(launch, given)
    except RecursionError:
        raise StepError(
            "OUTPUT_INVALID", "an output parameter is nested too deep to be kept"
        ) from None


def _parameters(launch: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for declared in launch["output_parameters"]:
        name, kind = declared["name"], declared["type"]
        value = given.get(name)
        if value is None:
            value = _text(name, declared["path"])
        if value is not None:
            values[name] = true_uri(launch, _fit(name, value, kind))
        elif not declared.get("optional"):
            raise StepError(
                "OUTPUT_MISSING", f"the step did not write its output parameter {name!r}"
            )
    return values


def true_uri(launch: dict[str, Any], value: Any) -> Any:
    """A text that is the URI which the command saw of one of its artifacts, or a place below it,
    as the URI that it has for everybody else: the local place is gone when the step has ended."""
    if not isinstance(value, str) or not value.startswith("/"):
        return value
    outputs = ((a["handed_uri"], a["uri"]) for a in launch.get("output_artifacts", ()))
    inputs = ((a["path"], a["uri"]) for a in launch.get("inputs", ()))
    for handed, uri in (*outputs, *inputs):
        if value == handed or value.startswith(handed + "/"):
            return uri + value[len(handed) :]
    return value


def printable(value: Any) -> Any:
    """The same JSON value, without the characters and whole numbers that no database takes, and
    with integral floats as ints where that is exact."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode(errors="replace").decode()
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, int) and not -_BEYOND <= value < _BEYOND:
        return _number(str(value))
    if isinstance(value, list):
        return [printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    return value


def _text(name: str, path: str) -> str | None:
    """What the command wrote to the parameter's file, None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise StepError("OUTPUT_INVALID", f"output parameter {name!r} is not UTF-8 text") from None
    except OSError as error:
        raise StepError(
            "OUTPUT_INVALID", f"output parameter {name!r} cannot be read: {error.strerror}"
        ) from None


def _fit(name: str, value: Any, kind: str) -> Any:
    """A JSON value, or the text of one, as the type has it."""
    try:
        fitting = _parse(value, kind)
        if not _is_text(fitting):
            raise ValueError("characters that are no text")
    except (ValueError, KeyError, TypeError, OverflowError):
        shown = value.strip() if isinstance(value, str) else json.dumps(value)
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
        raise StepError(
            "OUTPUT_INVALID", f"output parameter {name!r}: {shown!r} is not a {kind}"
        ) from None
    return printable(fitting) if kind != "NUMBER_DOUBLE" else fitting


def _parse(value: Any, kind: str) -> Any:
    stripped = value.strip() if isinstance(value, str) else value
    match kind:
        case "NUMBER_INTEGER":
            return _integer(stripped)
        case "NUMBER_DOUBLE":
            number = float(stripped)
            if not math.isfinite(number):
                raise ValueError("not a number that JSON knows")
            return printable(number)
        case "BOOLEAN":
            words = {"true": True, "1": True, "false": False, "0": False}
            return words[str(stripped).lower()]
        case "LIST" | "STRUCT":
            read = _json(stripped) if isinstance(stripped, str) else stripped
            if not isinstance(read, list if kind == "LIST" else dict):
                raise ValueError("of another kind")
            return read
        case _:
            return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _integer(value: Any) -> int:
    """A whole number of 64 bits, also one that is written as ``3.0``; digits keep their exact
    value."""
    if isinstance(value, int) or (isinstance(value, str) and value.lstrip("+-").isdigit()):
        whole = int(value)
    else:
        whole = int(value if isinstance(value, float) else float(value))
        if whole != float(value):
            raise ValueError("not a whole number")
    if not -_BEYOND <= whole < _BEYOND:
        raise ValueError("too large")
    return whole


def _is_text(value: Any) -> bool:
    """Whether every text in a value is one that can be kept."""
    if isinstance(value, list):
        return all(_is_text(item) for item in value)
    if isinstance(value, dict):
        return all(_is_text(key) and _is_text(item) for key, item in value.items())
    return not isinstance(value, str) or printable(value) == value


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=str, parse_float=_number)


def _number(text: str) -> float | str:
    """A number; one that is too large to be one stays a text."""
    number = float(text)
    return number if math.isfinite(number) else text
