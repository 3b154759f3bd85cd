"""Turns documents into Markdown articles."""

from collections.abc import Iterator

from crm.importing.formats import layout, parts, pdf, plain, webpage, word
from crm.importing.formats.encodings import text_of
from crm.importing.formats.kinds import File
from crm.importing.formats.shapes import Document, Unreadable

NO_TEXT = "has no text: choose another file"
PICTURES = "holds only pictures of its pages: export it as text, or run OCR on it first"


def documents_of(file: File, kind: str) -> Iterator[Document | None]:
    """Yield the articles of a file; None now and then, as a sign of life. Raises Unreadable."""
    title = text = ""
    if kind == "pdf":
        pages = []
        for page in pdf.pages_of(file.data):
            pages.append(page)
            yield None
        if not (text := layout.markdown(pages)):
            raise Unreadable(PICTURES)
    elif kind == "docx":
        text = word.markdown(file.data)
    elif kind == "html":
        title, text = webpage.markdown(text_of(file.data))
    elif kind == "md":
        title, text = plain.front_matter(text_of(file.data))
    else:
        text = plain.markdown(text_of(file.data))
    found = list(parts.documents(file.name, title, text, of_page=kind == "html"))
    if not found:
        raise Unreadable(NO_TEXT)
    yield from found
