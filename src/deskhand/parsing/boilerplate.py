"""What stands on a web page and is not what the page says: navigation, banners, side bars, what is asked of its readers.

A hint makes an element a suspect; the share of links in it, how many words it has and whether something can be pressed in it decide (after
Kohlschütter et al., Boilerplate Detection using Shallow Text Features, WSDM 2010).

Invariant: what holds the page's own heading, its marked content or most of its words is never dropped, whatever it is called; nor is a
table, a list of sentences or code, except among what asks for consent and what readers commented.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from deskhand.parsing.boilerplate_hints import BY_ROLE, BY_TAG, Hint, hint_of, is_folded, is_list_heading

_NO_WORDS = "script, style, noscript, template, svg, iframe, object, canvas, audio, video, select, textarea, datalist"
_NAMED = ("div", "section", "ul", "ol", "p", "span", "a", "center", "menu")
_SUSPECTS = ", ".join(
    (
        *BY_TAG,
        *(f"[role={role}]" for role in BY_ROLE),
        *(f"{tag}[{attribute}]" for tag in _NAMED for attribute in ("class", "id", "aria-label", "data-testid")),
    )
)
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_ABOVE_FOLDS = ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt")
_LABELS = "h2, h3, h4, h5, h6, p, span, strong, summary"
_PRESSABLE = "button, input, textarea, select, a:not([href]), a[href^='#'], a[href^='javascript'], a[role=button]"
_PERMALINKS = frozenset("#¶§🔗∞")
_SURE = frozenset({Hint.CONSENT_TOOL, Hint.CONSENT, Hint.PATH, Hint.COMMENTS})
_MOST_SUSPECTS = 3_000
_MOST_COUNTS = 20
_LONGEST_LABEL = 60
_BEFORE_AND_AFTER = ("previous", "next", "←", "→", "«", "»", "zurück", "weiter", "précédent", "suivant", "anterior", "siguiente")
_HIGHEST_CLIMB = 6
_MOST_LEVELS = 60


@dataclass(frozen=True, slots=True)
class _Words:
    """How many words stand in an element, and how many of them in links."""

    all: int
    linked: int

    @property
    def own(self) -> int:
        return self.all - self.linked

    @property
    def link_share(self) -> float:
        return self.linked / self.all if self.all else 1.0


def drop_wordless(tree: LexborHTMLParser) -> None:
    """Take out what has no words for readers, and signs that link a heading to itself."""
    _drop(tree.css(_NO_WORDS))
    _drop([link for link in tree.css("a[href*='#']") if link.text(deep=True).strip(" \u200b\n") in _PERMALINKS])


def drop_hidden(tree: LexborHTMLParser) -> None:
    """Take out what is hidden, except what a reader unfolds, and buttons, except those that are the question above what they unfold."""
    controlled = {name.lstrip("#") for node in tree.css("[aria-controls], [data-target], [data-bs-target]") for name in _controls(node)}
    _drop([node for node in tree.css("[hidden], [aria-hidden=true]") if not _unfolds(node, controlled)])
    _drop([node for node in tree.css("button") if not _is_question(node)])


def drop_boilerplate(tree: LexborHTMLParser) -> None:
    """Take out what is not what the page says."""
    body = tree.body
    if body is None:
        return
    _drop(_menus_on_top(body))
    _drop([link for link in body.css("a[href]") if _leads_on(link)])
    page, kept = _words_of(body), _protected(tree)
    _drop([label_and_links for label in tree.css(_LABELS) for label_and_links in _listing(label, kept)])
    _drop(list(_suspects(tree, page, kept)))


def _suspects(tree: LexborHTMLParser, page: _Words, kept: set[int]) -> Iterator[Any]:
    """What is no content, in the order of the page; nothing more once the page was counted over and over, for all that is in each other."""
    left = _MOST_COUNTS * (page.all + _MOST_SUSPECTS)
    for node in tree.css(_SUSPECTS):
        hint = _hint_of(node) if node.mem_id not in kept else None
        if hint is None:
            continue
        words = _words_of(node)
        left -= words.all + 1
        if left < 0:
            return
        if _is_boilerplate(node, hint, words=words, page=page) and not _has_above(node, ("pre", "td", "th")):
            yield node


def _drop(nodes: list[Any]) -> None:
    """`nodes` are in the order of the page, so that what is inside another goes before it."""
    for node in reversed(nodes):
        node.decompose()


def _controls(node: Any) -> list[str]:
    attributes = node.attributes
    return " ".join(attributes.get(name) or "" for name in ("aria-controls", "data-target", "data-bs-target")).split()


def _unfolds(node: Any, controlled: set[str]) -> bool:
    attributes = node.attributes
    if attributes.get("role") in BY_ROLE or node.tag in BY_TAG:
        return False
    named = any(is_folded(name) for name in (attributes.get("class") or "").split())
    asked_for = attributes.get("id") in controlled or attributes.get("role") in ("tabpanel", "region") or named
    return asked_for and _words_of(node).link_share < 0.5 and node.css_first("form") is None


def _is_question(button: Any) -> bool:
    attributes, words = button.attributes, len(button.text(deep=True).split())
    above = _find_above(button, _ABOVE_FOLDS)
    if above is not None and 2 * words > len(above.text(deep=True).split()):
        return True
    unfolds = "aria-expanded" in attributes or any(is_folded(name) for name in (attributes.get("class") or "").split())
    return unfolds and words >= 3


def _menus_on_top(body: Any) -> list[Any]:
    """Lists of short links before the first heading of a page, which are the same on each of its pages."""
    menus: list[Any] = []
    for node in body.css("ul, ol, h1, h2, h3"):
        if node.tag not in ("ul", "ol"):
            return menus
        words, links = _words_of(node), len(node.css("a"))
        if links >= 3 and words.link_share >= 0.9 and words.linked <= 3 * links:
            menus.append(node)
    # Without a heading nobody knows where it begins.
    return []


def _leads_on(link: Any) -> bool:
    """Whether it leads to the page before or after this one, and stands by itself."""
    text = link.text(deep=True).strip().lower()
    return text.startswith(_BEFORE_AND_AFTER) and link.parent is not None and _words_of(link.parent).link_share == 1.0


def _protected(tree: LexborHTMLParser) -> set[int]:
    """The elements that hold what the page marks as its content, or its only main heading."""
    kept: set[int] = set()
    for marked in (*tree.css("main, [role=main]"), *_sole(tree.css("article")), *_sole(tree.css("h1"))):
        node = marked
        while node is not None and node.mem_id not in kept:
            kept.add(node.mem_id)
            node = node.parent
    return kept


def _sole(nodes: list[Any]) -> list[Any]:
    return nodes if len(nodes) == 1 else []


def _listing(label: Any, kept: set[int]) -> Iterator[Any]:
    """What announces links to other places, with the links; nothing if it is anything else."""
    text = " ".join(label.text(deep=True).split())
    if len(text) > _LONGEST_LABEL or not is_list_heading(text):
        return
    announced = len(text.split())
    whole = None
    node = label.parent
    for _ in range(_HIGHEST_CLIMB):
        if node is None or node.mem_id in kept:
            break
        words = _words_of(node)
        if words.linked < 0.6 * (words.all - announced) or not words.linked:
            break
        whole, node = node, node.parent
    if whole is not None:
        yield whole
        return
    following = _next_element(label)
    if following is not None and following.mem_id not in kept and (words := _words_of(following)).linked and words.link_share >= 0.8:
        yield label
        yield following


def _next_element(node: Any) -> Any:
    node = node.next
    while node is not None and (node.tag or "-").startswith("-"):
        node = node.next
    return node


def _hint_of(node: Any) -> Hint | None:
    attributes = node.attributes
    if "BreadcrumbList" in (attributes.get("itemtype") or ""):
        return Hint.PATH
    names = [*(attributes.get("class") or "").split(), attributes.get("aria-label") or "", attributes.get("data-testid") or ""]
    identity = attributes.get("id")
    if identity and not _is_of_its_heading(identity, node):
        names.append(identity)
    found = next((hint for name in names if name and (hint := hint_of(name))), None)
    if found in _SURE:
        return found
    return BY_ROLE.get(attributes.get("role") or "") or found or BY_TAG.get(node.tag)


def _is_of_its_heading(identity: str, node: Any) -> bool:
    """Whether an id was made of the heading below it, as generators of pages make them."""
    heading = node.css_first(_HEADINGS)
    if heading is None:
        return False
    words = heading.text(deep=True).lower()
    return all(part in words for part in identity.lower().replace("_", "-").split("-"))


def _is_boilerplate(node: Any, hint: Hint, *, words: _Words, page: _Words) -> bool:
    if not words.all:
        return False
    if hint is Hint.CONSENT_TOOL:
        return True
    if words.own > page.own / 2 and words.own > 6:
        return False
    fits = False
    match hint:
        case Hint.PATH:
            return words.all <= 40
        case Hint.CONSENT:
            return words.own <= 400 and node.css_first(_PRESSABLE) is not None
        case Hint.COMMENTS:
            return True
        case Hint.LINKS:
            fits = words.link_share >= 0.5 or words.own <= 6 or node.tag == "nav"
        case Hint.ASIDE:
            fits = words.link_share >= 0.4 or (words.own <= 60 and node.css_first("button, input") is not None)
        case Hint.HEADER:
            fits = (words.link_share >= 0.3 or words.own <= 12) and not _has_above(node, ("article", "main", "section"))
        case Hint.FOOTER:
            fits = words.own <= 150
        case Hint.ASKING:
            pressed = words.link_share >= 0.3 or node.css_first(_PRESSABLE) is not None
            fits = words.own <= (80 if pressed or node.tag == "form" else 8)
    return fits and not _holds_content(node)


def _holds_content(node: Any) -> bool:
    """Whether there is code in it, a table with something in it, or a list of which most items are more than links."""
    if node.css_first("pre") is not None:
        return True
    for table in node.css("table"):
        if len(table.css("td, th")) >= 4 and _words_of(table).link_share < 0.5:
            return True
    lists = [_words_of(items) for items in node.css("ol, ul") if len(items.css("li")) >= 2]
    return any(words.own >= 8 and words.link_share < 0.4 for words in lists)


def _words_of(node: Any) -> _Words:
    linked = sum(len(link.text(deep=True, separator=" ").split()) for link in node.css("a:not([name])"))
    return _Words(max(linked, len(node.text(deep=True, separator=" ").split())), linked)


def _find_above(node: Any, tags: tuple[str, ...]) -> Any:
    above = node.parent
    for _ in range(_MOST_LEVELS):
        if above is None or above.tag in tags:
            return above
        above = above.parent
    return None


def _has_above(node: Any, tags: tuple[str, ...]) -> bool:
    return _find_above(node, tags) is not None
