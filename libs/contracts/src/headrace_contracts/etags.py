"""Entity tags of resources, for conditional requests. Source: RFC 9110, section 8.8.3."""

from __future__ import annotations

import re
from hashlib import sha256

from headrace_contracts.base import Contract

_TAGS = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')


def etag(content: bytes) -> str:
    """The strong tag of a representation."""
    return f'"{sha256(content).hexdigest()[:32]}"'


def version_etag(version: int) -> str:
    """The weak tag of a resource with a version number."""
    return f'W/"{version}"'


def contains_tag(header: str, tag: str) -> bool:
    """Whether the value of ``If-None-Match`` or ``If-Match`` contains a tag. ``*`` matches every
    tag, a malformed value none."""
    if header.strip() == "*":
        return True
    wanted = tag.removeprefix("W/").strip('"')
    offset = 0
    while offset < len(header):
        found = _TAGS.match(header, offset)
        if found is None:
            return False
        if found[1] == wanted:
            return True
        offset = found.end()
    return False


def if_match_holds(header: str | None, resource: Contract) -> bool:
    """Whether the value of ``If-Match`` permits a change of a resource: it is absent, ``*``, or
    contains the tag of the current state. Weak tags never match."""
    if header is None or header.strip() == "*":
        return True
    strong = ",".join(part for part in header.split(",") if not part.strip().startswith("W/"))
    return contains_tag(strong, etag(resource.model_dump_json().encode()))
