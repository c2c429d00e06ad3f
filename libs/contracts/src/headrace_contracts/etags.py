"""Entity tags: what a resource was when somebody read it. Source: RFC 9110, section 8.8.3."""

from __future__ import annotations

import re
from hashlib import sha256

from headrace_contracts.base import Contract

_TAGS = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')


def etag(content: bytes) -> str:
    """The strong tag of a representation: equal bytes have equal tags."""
    return f'"{sha256(content).hexdigest()[:32]}"'


def version_etag(version: int) -> str:
    """The weak tag of a resource that counts its changes."""
    return f'W/"{version}"'


def names(header: str, tag: str) -> bool:
    """Whether the value of ``If-None-Match`` or ``If-Match`` names a tag; ``*`` names every one. A
    value that is not a list of tags names none."""
    if header.strip() == "*":
        return True
    wanted = tag.removeprefix("W/").strip('"')
    place = 0
    while place < len(header):
        found = _TAGS.match(header, place)
        if found is None:
            return False
        if found[1] == wanted:
            return True
        place = found.end()
    return False


def unchanged(header: str | None, resource: Contract) -> bool:
    """Whether the value of ``If-Match`` lets a resource be changed: there is none, or it names the
    resource as it is. A weak tag names no exact state."""
    if header is None or header.strip() == "*":
        return True
    strong = ",".join(part for part in header.split(",") if not part.strip().startswith("W/"))
    return names(strong, etag(resource.model_dump_json().encode()))
