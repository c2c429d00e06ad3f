"""Parses tables: with pandas if it is installed, else as lists of dicts."""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module
from typing import Any

from headrace.client.errors import ClientError

_FORMATS = ("csv", "tsv", "json", "jsonl", "parquet")


def read_table(content: bytes, format: str | None = None) -> Any:
    """Parse a table. Returns a ``pandas.DataFrame``, or a list of dicts without pandas.

    Raises:
        ClientError: the content is not a table of the format (MALFORMED).
    """
    format = format or detect_format(content)
    if format not in _FORMATS:
        raise ClientError(
            "MALFORMED", f"unknown format {format!r}; use one of {', '.join(_FORMATS)}"
        )
    try:
        pandas = import_module("pandas")
    except ImportError:
        return _dicts(content, format)
    try:
        return _frame(pandas, content, format)
    except (ValueError, OSError) as error:
        raise ClientError("MALFORMED", f"the content is not {format}: {error}") from None


def detect_format(content: bytes) -> str:
    """Guess the format of a table from its first bytes."""
    if content[:4] == b"PAR1":
        return "parquet"
    start = content.lstrip()[:1]
    if start == b"[":
        return "json"
    if start == b"{":
        return "jsonl" if b"}\n{" in content.replace(b"\r", b"") else "json"
    first = content.partition(b"\n")[0]
    return "tsv" if first.count(b"\t") > first.count(b",") else "csv"


def _frame(pandas: Any, content: bytes, format: str) -> Any:
    file = io.BytesIO(content)
    if format == "parquet":
        return pandas.read_parquet(file)
    if format in ("json", "jsonl"):
        return pandas.read_json(file, lines=format == "jsonl")
    return pandas.read_csv(file, sep="\t" if format == "tsv" else ",")


def _dicts(content: bytes, format: str) -> list[dict[str, Any]]:
    if format == "parquet":
        raise ClientError("MALFORMED", "reading Parquet needs pandas: pip install pandas")
    try:
        text = content.decode("utf-8-sig")
        if format in ("json", "jsonl"):
            lines = text.splitlines() if format == "jsonl" else [text]
            values = [json.loads(line) for line in lines if line.strip()]
            rows = values[0] if format == "json" and isinstance(values[0], list) else values
            return [dict(row) for row in rows]
        return list(csv.DictReader(io.StringIO(text), delimiter="\t" if format == "tsv" else ","))
    except (ValueError, IndexError, TypeError, csv.Error) as error:
        raise ClientError("MALFORMED", f"the content is not {format}: {error}") from None
