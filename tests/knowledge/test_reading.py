"""Bytes into text, for each kind and for what is none."""

import pytest

from deskhand.errors import DeskhandError, TooLarge, UnsupportedKind
from deskhand.knowledge import UnreadableDocument
from deskhand.parsing.read import read_document as read_text

PAGE = """<html><head><title>Help | Northwind</title><link rel="canonical" href="https://help.example/reset">
<style>p { color: red }</style></head><body><nav>Home Products</nav><main><h1>Reset your <em>password</em></h1>
<p>Do this:<br>now &amp; then.</p><ol><li>Open the page<ul><li>on a phone</li></ul></li><li><p>Enter it</p><p>twice</p></li></ol>
<table><tr><th>Plan</th><th>Price</th></tr><tr><td>A|B</td><td>5 €</td></tr></table><pre>curl  -X
 POST</pre><script>alert(1)</script></main><footer>© 2026</footer></body></html>"""


def test_a_page_keeps_its_structure_and_loses_its_trimmings() -> None:
    read = read_text("help.html", None, PAGE.encode())
    assert (read.title, read.url) == ("Reset your password", "https://help.example/reset")
    assert read.text == (
        "# Reset your password\n\nDo this:\nnow & then.\n\n1. Open the page\n   - on a phone\n2. Enter it\n\n   twice\n\n"
        "| Plan | Price |\n| --- | --- |\n| A\\|B | 5 € |\n\n```\ncurl  -X\n POST\n```"
    )


def test_front_matter_names_a_markdown_document() -> None:
    read = read_text("a.md", None, b'---\ntitle: "The title"\nurl: https://a.example/b\n---\n# Heading\n\ntext')
    assert (read.title, read.url, read.text) == ("The title", "https://a.example/b", "# Heading\n\ntext")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# One\n\ntext", "One"),
        ("One\n===\n\ntext", "One"),
        ("text\n\n## Two `x`", "Two x"),
        ("```\n# no\n```", "my notes"),
        ("text", "my notes"),
    ],
)
def test_a_markdown_document_is_called_by_its_first_great_heading(text: str, title: str) -> None:
    assert read_text("my-notes.md", None, text.encode()).title == title


@pytest.mark.parametrize(
    ("filename", "content_type", "data", "text"),
    [
        ("a.txt", None, "Grüße".encode(), "Grüße"),
        ("a.txt", None, "\ufeffGrüße".encode(), "Grüße"),
        ("a.txt", None, "Grüße".encode("utf-16"), "Grüße"),
        ("a.txt", "text/plain; charset=windows-1252", b"5 \x80", "5 €"),
        ("a.html", None, '<meta charset="iso-8859-1"><p>caf\xe9'.encode("latin-1"), "café"),
        ("a", "text/plain", b"no ending", "no ending"),
        ("A.TXT", "application/octet-stream", b"by its ending\r\nalone", "by its ending\nalone"),
    ],
)
def test_the_character_set_is_that_of_the_mark_the_declaration_or_utf_8(
    filename: str, content_type: str | None, data: bytes, text: str
) -> None:
    assert read_text(filename, content_type, data).text == text


def test_questions_and_answers_become_sections_with_nothing_left_out() -> None:
    read = read_text("faq.json", None, '[{"question": "How much?", "answer": "5 €", "topic": "Prices"}, {"q": 2, "text": "Soon"}]'.encode())
    assert read.text == "## How much?\n\n5 €\n\n- topic: Prices\n\n## 2\n\nSoon\n\n- q: 2"


def test_a_table_stays_a_table_with_all_its_columns() -> None:
    read = read_text("stock.csv", None, 'Article;Description;Price\nlamp;"green; round";59 €\nchair;;20 €\n'.encode())
    assert read.text.splitlines()[2:] == ["| lamp | green; round | 59 € |", "| chair |  | 20 € |"]
    assert read_text("t.csv", None, b"Code,Meaning\nNW-1,a|b\n").text == "| Code | Meaning |\n| --- | --- |\n| NW-1 | a\\|b |"


def test_what_is_deep_in_json_is_found_by_its_path() -> None:
    read = read_text("t.json", None, b'{"plan": {"name": "Pro", "price": 5}, "limits": [1, {"files": 2}]}')
    assert read.text == "- plan.name: Pro\n- plan.price: 5\n- limits: 1\n- limits.files: 2"


@pytest.mark.parametrize(
    ("filename", "data", "error", "says"),
    [
        ("a.txt", b"caf\xe9 au lait", UnreadableDocument, "0xE9 at position 3"),
        ("a.md", b"a\x00b", UnreadableDocument, "NUL"),
        ("a.md", b" \n", UnreadableDocument, "no text"),
        ("a.html", b"<script>1</script>", UnreadableDocument, "no text"),
        ("a.json", b'{"a": ', UnreadableDocument, "line 1, column 7"),
        ("a.json", b"[" * 100_000, UnreadableDocument, "nested too deeply"),
        ("a.jsonl", b'{"text": "a"}\n{"b": 1}', UnreadableDocument, "Line 2 has no text"),
        ("a.csv", b'a,"b\n', UnreadableDocument, "not a table"),
        ("a.exe", b"MZ", UnsupportedKind, "'.exe'"),
        ("a", b"text", UnsupportedKind, "without an ending"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(filename: str, data: bytes, error: type[DeskhandError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_text(filename, None, data)


def test_a_character_set_that_is_not_known_is_refused_with_its_name() -> None:
    with pytest.raises(UnreadableDocument, match="klingon"):
        read_text("a.txt", "text/plain; charset=klingon", b"a")


def test_a_document_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge, match=r"0\.0 MB"):
        read_text("a.txt", None, b"x" * 11, max_bytes=10)


def test_html_nested_without_end_is_read_to_its_words() -> None:
    assert "deep" in read_text("a.html", None, b"<div>" * 20_000 + b"deep").text
