"""Shows an article as the customer sees it in the browser."""

from functools import cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt


@cache
def markdown() -> MarkdownIt:
    """HTML in the text is shown as text, links lead only to web pages, mail and phones, and
    pictures are left out: a page of the admin must load nothing from elsewhere."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    return parser.disable("image")


def as_html(body: str) -> SafeString:
    """Render Markdown as safe HTML."""
    return mark_safe(markdown().render(body))  # HTML in it has been escaped.
