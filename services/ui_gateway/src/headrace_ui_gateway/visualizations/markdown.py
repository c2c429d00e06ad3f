"""Markdown as HTML that does no harm: what looks like HTML in a text stays a text, links lead to
pages alone, and pictures, which a browser would fetch from anywhere, are links."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def html_of(text: str) -> str:
    """The HTML of a text."""
    return str(_renderer().render(text))
