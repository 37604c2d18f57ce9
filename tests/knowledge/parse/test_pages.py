"""Pages as systems for help centres make them: what each says is read, what is on every page of it is not."""

from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from deskhand.parsing.html import read_html
from deskhand.parsing.read import read_document

PAGES = sorted((Path(__file__).parent / "pages").glob("*.html"))


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", " ").replace("|", " ").replace("`", " ").split())


def _marked(html: str, mark: str) -> list[str]:
    return [_plain(node.text(deep=True)) for node in LexborHTMLParser(html).css(f"[data-{mark}]")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_is_its_own_and_nothing_of_what_stands_around_it(path: Path) -> None:
    html = path.read_text()
    said = _plain(read_html(html).markdown)
    assert [text for text in _marked(html, "kept") if text not in said] == []
    assert [text for text in _marked(html, "dropped") if text in said] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_without_landmarks_loses_nothing_that_is_its_own(path: Path) -> None:
    html = path.read_text()
    for name in ("main", "article", "section", "header", "footer", "aside", "nav"):
        html = html.replace(f"<{name} ", "<div ").replace(f"<{name}>", "<div>").replace(f"</{name}>", "</div>")
    said = _plain(read_html(html.replace(' role="main"', "")).markdown)
    assert [text for text in _marked(html, "kept") if text not in said] == []


@pytest.mark.parametrize(
    "name", ["sidebar", "footer", "menu", "related-articles", "feedback", "promo", "widget", "share", "header", "login-modal", "toc"]
)
@pytest.mark.parametrize(
    "content",
    [
        "<table><tr><td>Plan</td><td>Seats</td></tr><tr><td>Free</td><td>three</td></tr></table>",
        "<ol><li>Open the lid with both hands.</li><li>Press three times.</li></ol>",
        "<pre>press three</pre>",
        "<h1>About three</h1>",
    ],
)
def test_a_table_steps_code_and_the_heading_stay_whatever_they_are_called(name: str, content: str) -> None:
    words = "<p>Some words that are the page's own, of which there are more than a few, so that it has them.</p>"
    page = f'<body><div class="{name}"><a href="/">Home</a><button>Go</button>{content}</div><div>{words}{words}</div></body>'
    assert "three" in read_html(page).markdown


@pytest.mark.parametrize(
    "page",
    [
        '<body><div class="sidebar"><p>Only this is said here, and nowhere else on the whole page at all.</p></div></body>',
        '<body><nav>Home</nav><div id="cookies"><h2>Cookies</h2><p>We set one, for the cart.</p><a href="#x">More</a></div></body>',
        '<body><form id="aspnetForm"><p>We are open from nine to five on each day of the week.</p><input></form></body>',
        '<body><section id="comments"><h2>Comments</h2><p>Write them into the margin of the form.</p></section><p>Then send it.</p></body>',
        '<body><aside class="note"><p>A deposit of ten euros is due.</p></aside><p>The rest is paid when you leave the house.</p></body>',
    ],
)
def test_names_alone_drop_nothing(page: str) -> None:
    first = LexborHTMLParser(page).css_first("p")
    assert first is not None
    assert first.text() in read_html(page).markdown


def test_an_answer_that_is_folded_up_is_read_and_a_menu_that_is_not() -> None:
    page = """<body><h1>Questions</h1><button aria-controls="menu" aria-expanded="false">All our other pages</button>
        <div id="menu" hidden><a href="/a">Prices</a><a href="/b">Shops</a></div>
        <h2><button aria-controls="one">May I bring a dog?</button></h2><div id="one" hidden>Yes, one for each room.</div>
        <div hidden>A draft.</div></body>"""
    said = read_html(page).markdown
    assert "## May I bring a dog?\n\nYes, one for each room." in said
    assert not any(words in said for words in ("Prices", "Shops", "draft"))


def test_a_page_of_many_suspects_is_read_in_time() -> None:
    row = '<div class="share"><span class="menu">x</span><a href="#a" class="breadcrumb">y</a></div>'
    page = (
        "<body><h1>Title</h1>"
        + "<div class='sidebar'>" * 300
        + row * 20_000
        + "<p>The words that count, of which there are some.</p></body>"
    )
    assert "The words that count" in read_document("a.html", None, page.encode()).text
