"""HTML into Markdown: headings, lists, tables and code stay what they are; scripts, styles and what is on every page go."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from deskhand.parsing import blocks
from deskhand.parsing.boilerplate import drop_boilerplate, drop_hidden, drop_wordless
from deskhand.parsing.boilerplate_hints import is_said_on_every_page

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "header", "hgroup", "html", "main", "nav", "p", "section", "summary"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u200b]+")
_MAIN_SHARE = 0.4
_LEAST_WORDS = 8
_DEEPEST = 200
_LOOKS_LIKE_HTML = re.compile(r"</(?:p|div|li|ul|ol|h[1-6]|table|td|span|strong|a)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    markdown: str
    title: str | None
    url: str | None


def looks_like_html(text: str) -> bool:
    """Whether a field of a table or a JSON row holds markup rather than words."""
    return _LOOKS_LIKE_HTML.search(text) is not None


def read_html(html: str) -> Page:
    """A page without what is not its own. One of which next to nothing would be left keeps all but its menus and its footer."""
    tree = LexborHTMLParser(html)
    title = _text_of(tree.css_first("title"))
    canonical = tree.css_first("link[rel=canonical]")
    url = (canonical.attributes.get("href") or None) if canonical is not None else None
    drop_wordless(tree)
    before = _words_below_headings(tree)
    drop_hidden(tree)
    drop_boilerplate(tree)
    if _words_below_headings(tree) < min(before, _LEAST_WORDS):
        tree = LexborHTMLParser(html)
        drop_wordless(tree)
        for node in reversed(tree.css("nav, footer")):
            node.decompose()
    first_heading = _text_of(tree.css_first("h1"))
    root = _content(tree)
    writer = _Writer()
    if root is not None:
        _write(root, writer, depth=0)
    return Page(writer.result(), first_heading or title, url if url and url.startswith(("http://", "https://")) else None)


def _words_below_headings(tree: LexborHTMLParser) -> int:
    if tree.body is None:
        return 0
    headings = sum(len((_text_of(heading) or "").split()) for heading in tree.css(", ".join(_HEADINGS)))
    return len((_text_of(tree.body) or "").split()) - headings


def _content(tree: LexborHTMLParser) -> Any:
    """The part that holds the article, if the page marks one and most of its text is in it."""
    body = tree.body
    if body is None:
        return tree.root
    whole = len(_text_of(body) or "")
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(_text_of(found[0]) or "") >= whole * _MAIN_SHARE:
            return found[0]
    return body


def _text_of(node: Any) -> str | None:
    if node is None:
        return None
    return _SPACE.sub(" ", node.text(deep=True, separator=" ")).strip() or None


@dataclass(slots=True)
class _Writer:
    """Collects blocks, and the inline text of the block that is open."""

    blocks: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.inline.append(text)

    def end_block(self) -> None:
        if not self.inline:
            return
        lines = [_SPACE.sub(" ", line).strip() for line in "".join(self.inline).split("\n")]
        self.inline.clear()
        text = "\n".join(line for line in lines if line)
        if text and not is_said_on_every_page(text):
            self.put(text)

    def put(self, text: str) -> None:
        """Add a block, indented as the list around it asks. A prefix is spent on the first block; those after it are indented."""
        prefix = "".join(self.prefixes)
        indent = " " * len(prefix)
        self.prefixes[:] = [" " * len(part) for part in self.prefixes]
        self.blocks.append("\n".join((prefix if number == 0 else indent) + line for number, line in enumerate(text.split("\n"))))

    def result(self) -> str:
        self.end_block()
        return blocks.join(self.blocks)


def _write(node: Any, writer: _Writer, *, depth: int) -> None:
    if depth > _DEEPEST:
        writer.say(" " + (_text_of(node) or ""))
        return
    child = node.child
    while child is not None:
        _write_child(child, writer, depth=depth + 1)
        child = child.next


def _write_child(node: Any, writer: _Writer, *, depth: int) -> None:
    tag = node.tag
    if tag == "-text":
        writer.say(_SPACE.sub(" ", node.text_content or ""))
    elif tag in _HEADINGS:
        writer.end_block()
        text = _text_of(node)
        if text:
            writer.put("#" * _HEADINGS[tag] + " " + text)
    elif tag in _SPECIAL:
        _SPECIAL[tag](node, writer, depth)
    elif tag in _BLOCKS:
        writer.end_block()
        _write(node, writer, depth=depth)
        writer.end_block()
    elif tag is not None and not tag.startswith(("-", "!", "_")):
        _write(node, writer, depth=depth)


def _write_break(_node: Any, writer: _Writer, _depth: int) -> None:
    writer.say("\n")


def _write_rule(_node: Any, writer: _Writer, _depth: int) -> None:
    writer.end_block()


def _write_image(node: Any, writer: _Writer, _depth: int) -> None:
    writer.say(" " + (node.attributes.get("alt") or "") + " ")


def _write_code(node: Any, writer: _Writer, _depth: int) -> None:
    writer.end_block()
    text = node.text(deep=True).strip("\n")
    if text.strip():
        writer.put(f"```\n{text}\n```")


def _write_list(node: Any, writer: _Writer, depth: int) -> None:
    writer.end_block()
    number = 0
    child = node.child
    while child is not None:
        if child.tag == "li":
            number += 1
            writer.prefixes.append(f"{number}. " if node.tag == "ol" else "- ")
            _write(child, writer, depth=depth + 1)
            writer.end_block()
            writer.prefixes.pop()
        else:
            _write_child(child, writer, depth=depth + 1)
        child = child.next
    writer.end_block()


def _write_table(node: Any, writer: _Writer, depth: int) -> None:
    writer.end_block()
    if node.css_first("td table, th table") is not None:
        # A table inside a table is layout: its cells are read as blocks.
        for cell in node.css("td, th"):
            if cell.css_first("table") is None:
                _write(cell, writer, depth=depth + 1)
                writer.end_block()
        return
    rows = [[_text_of(cell) or "" for cell in row.css("td, th")] for row in node.css("tr")]
    text = blocks.table(rows)
    if text:
        writer.put(text)


_SPECIAL: dict[str, Callable[[Any, _Writer, int], None]] = {
    "br": _write_break,
    "hr": _write_rule,
    "img": _write_image,
    "pre": _write_code,
    "ul": _write_list,
    "ol": _write_list,
    "menu": _write_list,
    "table": _write_table,
}
