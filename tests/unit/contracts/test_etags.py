"""Entity tags and the headers of conditional requests."""

from __future__ import annotations

import pytest
from headrace_contracts.etags import contains_tag, etag, version_etag

TAG = etag(b"{}")


def test_the_tag_depends_on_the_content_alone() -> None:
    assert etag(b"{}") == TAG
    assert etag(b"{} ") != TAG
    assert TAG.startswith('"')
    assert version_etag(7) == 'W/"7"'


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        (f'W/"a,b" , W/{TAG}', True),
        ("*", True),
        (' "other" ', False),
        ("", False),
        ("nonsense", False),
        (f"nonsense, {TAG}", False),
        (TAG.strip('"'), False),
        (f"{TAG[:-1]}", False),
    ],
)
def test_a_header_contains_a_tag(header: str, named: bool) -> None:
    assert contains_tag(header, TAG) is named


def test_the_tag_of_a_version_is_weak() -> None:
    assert contains_tag('W/"7"', version_etag(7))
    assert not contains_tag('W/"70"', version_etag(7))
