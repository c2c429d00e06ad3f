"""Tables are parsed with pandas, and without it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from headrace.client import ClientError
from headrace.client.tables import detect_format, read_table

ROWS = [{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"x,y\n1,a\n2,b\n", "csv"),
        (b"\xef\xbb\xbfx\ty\n1\ta\n2\tb\n", "tsv"),
        (b'[{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]', "json"),
        (b'{"x": "1", "y": "a"}\n{"x": "2", "y": "b"}\n', "jsonl"),
    ],
)
def test_tables_without_pandas(no_pandas: None, content: bytes, kind: str) -> None:
    assert detect_format(content) == kind
    assert read_table(content) == ROWS


@pytest.mark.parametrize(
    ("content", "format", "message"),
    [
        (b"\xff\xfe\x00", None, "not csv"),
        (b"PAR1....", None, "pip install pandas"),
        (b"[1, 2]", None, "not json"),
        (b"x", "xlsx", "use one of csv"),
    ],
)
def test_content_that_is_not_a_table(
    no_pandas: None, content: bytes, format: str | None, message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        read_table(content, format)


def test_tables_with_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_csv(file: Any, sep: str) -> tuple[bytes, str]:
        return file.read(), sep

    monkeypatch.setitem(__import__("sys").modules, "pandas", SimpleNamespace(read_csv=read_csv))
    assert read_table(b"x,y\n") == (b"x,y\n", ",")
