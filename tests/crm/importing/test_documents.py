"""Documents of all formats as Markdown articles."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from crm.importing.formats import layout, parts, pdf, plain, webpage, word
from crm.importing.formats.documents import documents_of
from crm.importing.formats.kinds import File
from crm.importing.formats.shapes import Document
from tests.crm.importing import files

# Slow: each test starts a real child process.
pytestmark = pytest.mark.slow


def cut(text: str, name: str = "help/terms.md", title: str = "") -> list[tuple[str, str, str]]:
    return [(d.name, d.title, d.body) for d in parts.documents(name, title, text)]


LONG = "One sentence of six words here. " * 60


def test_a_short_article_stays_whole_and_its_heading_is_its_title() -> None:
    assert cut("# Returns\n\nSend it.\n\n## Costs\n\nNone.\n") == [
        ("help/terms.md", "Returns", "Send it.\n\n## Costs\n\nNone.")
    ]
    assert cut("Send it.", "help/how-to_return.md")[0][1] == "How to return"
    assert cut("Returns\n=======\nSend it.")[0][1:] == ("Returns", "Send it.")


def test_a_long_document_is_cut_at_its_headings_again_and_again() -> None:
    text = (
        f"# Terms\nHello there.\n## Returns\n### Costs\n{LONG}\n### Times\n{LONG}\n## Law\nEnglish."
    )
    assert [(name, title) for name, title, _ in cut(text)] == [
        ("help/terms.md", "Terms"),
        ("help/terms.md#Returns / Costs", "Terms – Returns – Costs"),
        ("help/terms.md#Returns / Times", "Terms – Returns – Times"),
        ("help/terms.md#Law", "Terms – Law"),
    ]


def test_top_headings_and_questions_are_articles_and_no_two_have_one_name() -> None:
    found = cut("# A\none\n# B\ntwo\n# A\nthree\n# Empty\n", "x.md")
    assert [one[:2] for one in found] == [
        ("x.md#A", "X – A"),
        ("x.md#B", "X – B"),
        ("x.md#A 2", "X – A"),
    ]
    asked = "# Frequently asked questions\n## Delivery\n### When?\nSoon.\n### Where?\nHere.\n"
    assert [one[1:] for one in cut(asked)] == [("When?", "Soon."), ("Where?", "Here.")]


def test_headings_in_code_are_code_and_marks_are_no_part_of_a_title() -> None:
    assert len(cut("```\n# one\n# two\n```\n")) == 1
    assert cut("# **[Returns](/r)** {#back} #\ntext")[0][1] == "Returns"


def test_a_text_that_no_record_could_hold_is_cut_into_pieces() -> None:
    found = cut("line of text\n" * 20_000)
    assert [title for _, title, _ in found] == ["Terms", "Terms (2)"]
    assert len({name for name, _, _ in found}) == 2
    assert max(len(body) for *_, body in found) <= 200_000


def test_the_front_matters_title_is_the_articles() -> None:
    text = '---\nlayout: page\ntitle: "Returns: how"\n---\nSend it.'
    assert plain.front_matter(text) == ("Returns: how", "Send it.")
    assert plain.front_matter("---\nno end") == ("", "---\nno end")


def test_lines_that_stand_alone_are_headings_of_a_plain_text() -> None:
    text = "Returns\n\nSend it back.\n\nDo I pay?\n\nNo.\n\nThank you.\n\nBye"
    assert plain.markdown(text).split("\n")[::2] == [
        "## Returns",
        "Send it back.",
        "## Do I pay?",
        "No.",
        "Thank you.",
        "Bye",
    ]


PAGE = """<html><head><title>Returns | Ash</title><style>x {}</style></head><body>
<nav><a href="https://ash.example/">Home</a></nav><main><h1>Returns</h1>
<p>Send it <a href="https://ash.example/back">back</a>, not <a href="javascript:alert(1)">here</a>.
<ul><li>one <ul><li>two</ul><li><p>three</ul><ol><li>a<li>b</ol>
<table><tr><th>Weight<th>Price<tr><td>5 kg<td>3 | 4 EUR</table>
<button aria-controls="c">Who pays?</button><div id="c" hidden>We do.</div><div hidden>secret</div>
<pre>a   b
# c</pre></main><footer>© Ash</footer><script>alert(1)</script></body></html>"""


def test_a_pages_headings_lists_links_and_tables_stay_and_its_surroundings_go() -> None:
    assert webpage.markdown(PAGE) == (
        "",
        "# Returns\n\nSend it [back](https://ash.example/back), not here.\n\n"
        "- one\n  - two\n- three\n\n1. a\n2. b\n\n"
        "| Weight | Price |\n| --- | --- |\n| 5 kg | 3 \\| 4 EUR |\n\n"
        "## Who pays?\n\nWe do.\n\n```\na   b\n# c\n```",
    )


QUESTIONS = """<html><head><title>Questions | Ash</title></head><body>
<header><b>Ash Tools</b></header><main class="with-breadcrumbs">
<p class="Breadcrumb"><a href="/">Home</a> › FAQ</p>
<nav aria-label="breadcrumbs">Home</nav><header><h1>Frequently asked questions</h1></header>
<p>Short answers to what we hear most often at the counter.</p>
<div id="cookieBanner">We use cookies.</div><div class="cookie">Accept</div>
<h2>Visiting</h2><h3>May I bring a dog?</h3><p>Yes.</p><h3>Do you sell food?</h3><p>No.</p>
<h3 id="cookie-info">Do you bake cookies?</h3>
<p>On Fridays.</p><h3>Follow us</h3><p>Here and there.</p><h3>Call us</h3><p>0761 555</p></main>
</body></html>"""


def test_ways_to_a_page_notes_on_cookies_and_greetings_are_no_articles() -> None:
    found = documents_of(File("faq.html", QUESTIONS.encode()), "html")
    assert [(one.title, one.body) for one in found if one] == [
        ("May I bring a dog?", "Yes."),
        ("Do you sell food?", "No."),
        ("Do you bake cookies?", "On Fridays."),
        ("Frequently asked questions – Call us", "0761 555"),
    ]
    short = documents_of(File("short.html", b"<h1>Dogs</h1><p>No dogs.</p>"), "html")
    assert [(one.title, one.body) for one in short if one] == [("Dogs", "No dogs.")]


@pytest.mark.parametrize(("tag", "times"), [("<div>", 20_000), ("<ul><li>", 240), ("<b>", 9_000)])
def test_a_page_of_endless_elements_is_read(tag: str, times: int) -> None:
    assert "hello" in webpage.markdown(tag * times + "hello")[1]


def document() -> bytes:
    from docx import Document as Word

    made = Word()
    made.add_heading("Terms", 1)
    made.add_paragraph("Welcome.")
    made.add_heading("Returns", 2)
    made.add_paragraph("one", style="List Bullet")
    made.add_paragraph("two", style="List Bullet 2")
    made.add_paragraph("first", style="List Number")
    table = made.add_table(3, 3)
    for row, texts in zip(table.rows, (("Weight", "UK", "EU"), ("5 kg", "3", "4")), strict=False):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(2, 1).merge(table.cell(2, 2)).text = "ask"
    made.add_paragraph("Bye.")
    held = BytesIO()
    made.save(held)
    return held.getvalue()


def test_a_word_documents_headings_lists_and_tables_stand_in_their_places() -> None:
    assert word.markdown(document()) == (
        "# Terms\n\nWelcome.\n\n## Returns\n\n- one\n  - two\n1. first\n\n"
        "| Weight | UK | EU |\n| --- | --- | --- |\n| 5 kg | 3 | 4 |\n| 5 kg | ask | ask |\n\nBye."
    )


def test_entities_of_a_word_document_are_not_expanded(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    entities = f'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file://{tmp_path}/secret">]>'
    with zipfile.ZipFile(BytesIO(document())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts["word/document.xml"].decode()
    start = text.index("<w:document")
    hostile = text[:start] + entities + text[start:].replace("Welcome", "Wel&a;&b;come")
    got = word.markdown(files.zipped(parts | {"word/document.xml": hostile}))
    assert "Wel" in got and "aaaa" not in got and "secret" not in got


def of_pdf(pages: list[list[files.Placed]]) -> str:
    return layout.markdown(list(pdf.pages_of(files.pdf(pages))))


def test_a_pdf_becomes_paragraphs_headings_lists_and_tables() -> None:
    def edges(number: int) -> list[files.Placed]:
        return [(50, 820, 8, "Ash Ltd. – Terms"), (280, 20, 8, f"Page {number} of 3")]

    text: list[files.Placed] = [
        (50, 780, 20, "Terms of sale"),
        (50, 750, 11, "We deliver every-"),
        (50, 736, 11, "thing that you order, as far as it is"),
        (50, 722, 11, "in stock."),
        (50, 690, 11, "1. Costs", True),
        (50, 670, 11, "Weight"),
        (200, 670, 11, "Price"),
        (50, 656, 11, "up to 5 kg"),
        (200, 656, 11, "EUR 4.90"),
        (50, 620, 11, "• unopened"),
        (50, 606, 11, "• with the receipt"),
        (50, 580, 11, "What you send back belongs to"),
    ]
    more: list[files.Placed] = [(50, 780, 11, "you until we have paid.")]
    last: list[files.Placed] = [(50, 780, 11, "English law applies.")]
    got = of_pdf([edges(1) + text, more + edges(2), edges(3) + last])
    assert got == (
        "# Terms of sale\n\nWe deliver everything that you order, as far as it is in stock.\n\n"
        "## 1. Costs\n\n| Weight | Price |\n| --- | --- |\n| up to 5 kg | EUR 4.90 |\n\n"
        "- unopened\n- with the receipt\n\n"
        "What you send back belongs to you until we have paid.\n\nEnglish law applies."
    )


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    left = [f"Left text that is rather long, line {n}" for n in range(3)]
    lines: list[files.Placed] = []
    for place, text in enumerate(left):
        lines += [(50, 700 - 14 * place, 11, text)]
        lines += [(320, 700 - 14 * place, 11, text.replace("Left", "Right"))]
    right = [text.replace("Left", "Right") for text in left]
    assert of_pdf([lines]) == f"{' '.join(left)}\n\n{' '.join(right)}"


ENCRYPTED = files.file_of(
    [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"],
    b"/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
    % (b"00" * 32, b"00" * 32),
)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (files.pdf([[(5, 5, 5, "x")]])[:200], "Failed to load document"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 40, "Failed to load document"),
        (files.pdf([[(5, 5, 5, "x")]], count=100_000), "has more than 2,000 pages"),
        (files.pdf([[]]), "holds only pictures of its pages"),
        (ENCRYPTED, "has a password: save it without one"),
    ],
    ids=["cut off", "garbage", "pages", "pictures", "locked"],
)
def test_a_pdf_that_cannot_be_read_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(Exception, match=sentence):
        list(documents_of(File("a.pdf", data), "pdf"))


def test_pages_that_hold_each_other_come_to_an_end() -> None:
    kids = b"<< /Type /Pages /Count 3 /Kids [2 0 R 2 0 R 2 0 R] >>"
    looping = files.file_of([b"<< /Type /Catalog /Pages 2 0 R >>", kids])
    assert layout.markdown(list(pdf.pages_of(looping))) == ""


def test_what_no_database_stores_is_left_out_of_articles() -> None:
    [found] = parts.documents("a.md", "", "a\x00b\ud800c\r\nd")
    assert found == Document("a.md", "A", "ab?c\nd")
