"""Each kind of document, through the processes that read them."""

import asyncio
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from deskhand.errors import DeskhandError
from deskhand.knowledge import Document, DocumentReader, ParsedDocument, ReaderOptions
from knowledge.parse import made

_W = made.paragraph


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    opened = DocumentReader(ReaderOptions(processes=1))
    yield opened
    asyncio.run(opened.close())


async def test_a_pdf_has_pages_headings_paragraphs_and_tables(reader: DocumentReader) -> None:
    first = made.said(("Returns", 24, 72, 720), ("You may send back what you bought", 11, 72, 680), ("within thirty days.", 11, 72, 666))
    rows = [("Plan", "Price", "Users"), ("Basic", "5 EUR", "1"), ("Premium", "19 EUR", "10")]
    second = made.said(
        *((text, 11, 72 + 150 * column, 700 - 20 * row) for row, cells in enumerate(rows) for column, text in enumerate(cells))
    )
    read = await reader.read("returns.pdf", None, made.pdf([first, second]))
    assert read.title == "Returns"
    assert [(part.page, part.text) for part in read.parts] == [
        (1, "# Returns\n\nYou may send back what you bought\nwithin thirty days."),
        (2, "| Plan | Price | Users |\n| --- | --- | --- |\n| Basic | 5 EUR | 1 |\n| Premium | 19 EUR | 10 |"),
    ]
    assert read.content_type == "application/pdf"


async def test_two_columns_of_a_pdf_are_read_one_after_the_other(reader: DocumentReader) -> None:
    left = [f"The left column says sentence {number} here" for number in "abcdef"]
    right = [f"The right column says sentence {number} here" for number in "abcdef"]
    # Written across, as some programs do: the order of the file is not that of reading.
    lines = [
        line
        for row, pair in enumerate(zip(left, right, strict=True))
        for line in ((pair[0], 9, 50, 700 - 12 * row), (pair[1], 9, 330, 700 - 12 * row))
    ]
    text = (await reader.read("paper.pdf", None, made.pdf([made.said(*lines)]))).text
    assert text.index("left column says sentence f") < text.index("right column says sentence a")


async def test_what_repeats_on_the_pages_of_a_pdf_is_read_once(reader: DocumentReader) -> None:
    pages = [
        made.said(("Handbook of 2026", 9, 72, 760), (f"Words of chapter {number}", 11, 72, 600), (f"Page {number} of 5", 9, 72, 40))
        for number in range(1, 6)
    ]
    read = await reader.read("handbook.pdf", None, made.pdf(pages))
    assert (read.text.count("Handbook"), read.text.count("Page"), read.text.count("Words of chapter")) == (1, 1, 5)
    assert [part.page for part in read.parts] == [1, 2, 3, 4, 5]


async def test_a_pdf_of_blank_pages_is_said_to_be_empty(reader: DocumentReader) -> None:
    with pytest.raises(DeskhandError, match=r"2 pages are empty"):
        await reader.read("scan.pdf", None, made.pdf(["", ""]))


async def test_a_word_document_keeps_headings_lists_tables_and_links(reader: DocumentReader) -> None:
    item = '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    numbering = (
        f'<w:numbering xmlns:w="{made.WORD}"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    row = "<w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    body = (
        _W("Refunds", style="Heading1")
        + _W(
            "See ",
            extra='<w:hyperlink r:id="r1"><w:r><w:t>our page</w:t></w:r></w:hyperlink>'
            "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>",
        )
        + item.format("Open it")
        + item.format("Press it")
        + f"<w:tbl>{row.format(_W('Plan'), _W('Price'))}{row.format(_W('Pro'), _W('5 | 6'))}</w:tbl>"
    )
    header = f'<w:hdr xmlns:w="{made.WORD}">{_W("Northwind handbook")}</w:hdr>'
    comments = f'<w:comments xmlns:w="{made.WORD}">{_W("do not say this")}</w:comments>'
    parts = {
        "numbering.xml": ("numbering", numbering),
        "h1.xml": ("header", header),
        "h2.xml": ("header", header),
        "c.xml": ("comments", comments),
    }
    read = await reader.read("refunds.docx", None, made.word(body, links={"r1": "https://a.example/refunds"}, parts=parts))
    assert read.title == "Refunds"
    assert read.text == (
        "Northwind handbook\n\n# Refunds\n\nSee [our page](https://a.example/refunds)\n\n1. Open it\n2. Press it\n\n"
        "| Plan | Price |\n| --- | --- |\n| Pro | 5 \\| 6 |"
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("CANCELLING YOUR CONTRACT\n\nWithin 14 days.", "CANCELLING YOUR CONTRACT"),
        ("Cancelling\n==========\nWithin 14 days.", "Cancelling"),
        ("You can cancel within 14 days.\n\nAfter that you cannot.", "cancel"),
        ("Cancelling is possible\nwithin 14 days.", "cancel"),
        ("Only this", "cancel"),
    ],
)
async def test_a_plain_text_is_named_by_the_line_that_stands_above_it(reader: DocumentReader, text: str, title: str) -> None:
    assert (await reader.read("cancel.txt", None, text.encode())).title == title


async def test_slides_are_pages_in_the_order_of_the_talk(reader: DocumentReader) -> None:
    read = await reader.read("talk.pptx", None, made.slides([("Welcome", ["Only this"]), ("Prices", ["Basic: 5", "Pro: 9"])]))
    assert [(part.page, part.text) for part in read.parts] == [(1, "## Welcome\n\nOnly this"), (2, "## Prices\n\n- Basic: 5\n- Pro: 9")]


async def test_each_sheet_of_a_workbook_is_a_section_with_its_tables(reader: DocumentReader) -> None:
    workbook = made.sheets({"Prices": [["Price list"], ["Plan", "EUR"], ["Basic", 5], ["Pro", 9.5]], "Notes": [["Only words"]]})
    read = await reader.read("prices.xlsx", None, workbook)
    assert [part.text for part in read.parts] == [
        "## Prices\n\nPrice list\n\n| Plan | EUR |\n| --- | --- |\n| Basic | 5 |\n| Pro | 9.5 |",
        "## Notes\n\nOnly words",
    ]


async def test_a_book_is_read_in_the_order_of_its_spine(reader: DocumentReader) -> None:
    book = made.book({"b": "<h1>Second</h1>", "a": "<h1>First</h1><p>words</p>", "unused": "<p>not in it</p>"}, spine=["a", "b"])
    read = await reader.read("book.epub", None, book)
    assert (read.title, read.text) == ("The Handbook", "# First\n\nwords\n\n# Second")


def _mail() -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "Größe der Lieferung"
    mail["From"] = "Ana <ana@a.example>"
    mail.set_content("Look at the other part.")
    mail.add_alternative("<h2>Delivery</h2><p>It weighs five kilograms and comes on Monday, by the front door.</p>" * 2, subtype="html")
    mail.add_attachment(made.pdf([made.said(("Invoice 42", 12, 72, 700))]), maintype="application", subtype="pdf", filename="invoice.pdf")
    return mail.as_bytes()


async def test_a_mail_is_its_best_body_with_what_is_attached(reader: DocumentReader) -> None:
    read = await reader.read("mail.eml", None, _mail())
    assert read.title == "Größe der Lieferung"
    assert "From: Ana <ana@a.example>" in read.text
    assert "## Delivery" in read.text
    assert "Look at the other part" not in read.text
    assert read.text.endswith("## invoice.pdf\n\nInvoice 42")


async def test_what_is_attached_to_a_mail_is_a_document_of_its_own(reader: DocumentReader) -> None:
    page = await reader.unpack(Document("mail.eml", None, _mail()))
    assert page is not None
    assert [(member.key, member.filename) for member in page.members] == [("", "mail.eml"), ("!/invoice.pdf", "invoice.pdf")]


async def test_the_members_of_an_archive_are_documents_of_their_own(reader: DocumentReader) -> None:
    inner = made.archive({"deep.md": "# Deep"})
    outer = made.archive(
        {"a/faq.csv": "question,answer\nWhy?,So.\n", "inner.zip": inner, "x.exe": b"MZ", ".hidden.txt": "no", "__MACOSX/a": "no"}
    )
    page = await reader.unpack(Document("all.zip", None, outer))
    assert page is not None
    assert [(member.key, member.title, member.problem is None) for member in page.members] == [
        ("!/a/faq.csv#1", "Why?", True),
        ("!/inner.zip!/deep.md", None, True),
        ("!/x.exe", None, False),
    ]
    assert page.following is None


async def test_a_large_archive_comes_in_pages_with_nothing_twice(reader: DocumentReader) -> None:
    names = [f"{number}.txt" for number in range(7)]
    document = Document("all.zip", None, made.archive({name: name.encode() * 800_000 for name in names}, method=zipfile.ZIP_STORED))
    found: list[str] = []
    start: int | None = 0
    while start is not None:
        page = await reader.unpack(document, start=start)
        assert page is not None
        assert page.members
        found += [member.filename for member in page.members]
        start = page.following
    assert found == names


@pytest.mark.parametrize("name", ["a.txt", "a.docx", "a.html", "a", "a.bin"])
async def test_a_pdf_is_one_whatever_it_is_called(reader: DocumentReader, name: str) -> None:
    read = await reader.read(name, "text/plain", made.pdf([made.said(("Hello", 12, 72, 700))]))
    assert (read.text, read.content_type) == ("Hello", "application/pdf")


@pytest.mark.parametrize(
    ("filename", "data", "says"),
    [
        ("a.pdf", b"hello", "does not begin as one"),
        ("a.docx", b"PK\x03\x04 no", "damaged ZIP archive"),
        ("a.zip", made.archive({}), "no text in it"),
        ("a.docx", made.archive({"[Content_Types].xml": "", "word/x": "", "_rels/.rels": "<Relationships/>"}), "not whole"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "before 2007"),
        ("a.zip", made.archive({"a.txt": bytes(20_000_000)}), "times its size"),
        ("a.zip", made.archive({"a.exe": b"MZ", "b.png": b"\x89PNG\r\n\x1a\n"}), "Nothing in it can be read. '.exe' files"),
        ("a.eml", b"no header at all", "not a mail"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_read_says_why(reader: DocumentReader, filename: str, data: bytes, says: str) -> None:
    with pytest.raises(DeskhandError, match=says):
        await reader.read(filename, None, data)


async def test_a_table_in_another_character_set_is_read(reader: DocumentReader) -> None:
    read = await reader.read("meisai.csv", "text/csv", "名前,年齢\n佐藤太郎,30\n三木英子,25\n".encode("cp932"))
    assert isinstance(read, ParsedDocument)
    assert "| 佐藤太郎 | 30 |" in read.text
