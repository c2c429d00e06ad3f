"""Markdown as safe HTML: HTML in the text is escaped, only links to pages are kept, and images
become links, so that the browser fetches nothing."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def html_of(text: str) -> str:
    """A Markdown text as HTML."""
    return str(_renderer().render(text))
