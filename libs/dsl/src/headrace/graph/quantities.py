"""Parses quantities of CPU, memory and accelerators, and durations."""

from __future__ import annotations

import re
from typing import Any

from headrace.graph.channels import PipelineChannel

_CPU = re.compile(r"([0-9]*[.])?[0-9]+m?$")
_MEMORY = re.compile(r"^[0-9]+(E|Ei|P|Pi|T|Ti|G|Gi|M|Mi|K|Ki){0,1}$")
_COUNT = re.compile(r"^\d+$")
_UNITS = {"": 1, **{unit: 1000**power for power, unit in enumerate("KMGTPE", start=1)}}
_UNITS.update({f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", start=1)})
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def cpu(value: Any) -> str:
    """Check a quantity of CPU; a channel becomes its pattern.

    Raises:
        ValueError: It is not a quantity of CPU.
    """
    if isinstance(value, PipelineChannel):
        return value.pattern
    if not isinstance(value, str) or not _CPU.match(value):
        raise ValueError(
            f'Invalid cpu string {value!r}. Should be float or integer, or integer followed by "m".'
        )
    return value


def memory(value: Any) -> str:
    """Check a quantity of memory; a channel becomes its pattern.

    Raises:
        ValueError: It is not a quantity of memory.
    """
    if isinstance(value, PipelineChannel):
        return value.pattern
    if not isinstance(value, str) or not _MEMORY.match(value):
        raise ValueError(
            f"Invalid memory string {value!r}. Should be a number or a number followed by one of "
            '"E", "Ei", "P", "Pi", "T", "Ti", "G", "Gi", "M", "Mi", "K", "Ki".'
        )
    return value


def count(value: Any) -> str:
    """Check a number of accelerators and return it as a string; a channel becomes its pattern.

    Raises:
        ValueError: It is negative or not a number.
    """
    if isinstance(value, PipelineChannel):
        return value.pattern
    text = str(value)
    if not _COUNT.match(text):
        raise ValueError(f"limit must be a non-negative integer. Got: {value!r}")
    return text


def cpu_cores(text: str) -> float:
    """Convert a quantity of CPU to cores."""
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def memory_gigabytes(text: str) -> float:
    """Convert a quantity of memory to gigabytes (10**9 bytes)."""
    number = text.rstrip("EPTGMKi")
    unit: int = _UNITS[text[len(number) :]]
    return float(number) * unit / 1000**3


def seconds(duration: str) -> int:
    """Convert a duration such as ``30s``, ``2 hours`` or ``1w`` to seconds.

    Raises:
        ValueError: It is not one number and one unit, or the unit is unknown.
    """
    parts = [part for part in re.split(r"(\D+)", duration.replace(" ", "")) if part]
    if len(parts) != 2 or not parts[0].isdigit():
        raise ValueError(
            f"Invalid duration string: '{duration}'. Expected one value (as integer in string) and "
            "one unit, such as '1 hour'."
        )
    unit = parts[1][0]
    if unit not in _SECONDS:
        raise ValueError(f"Unsupported duration unit: '{unit}' for '{duration}'.")
    return int(parts[0]) * _SECONDS[unit]
