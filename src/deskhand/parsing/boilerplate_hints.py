"""The names by which pages call what is not their content: roles, elements, words in classes and ids, and words on the page itself.

Pure. Invariant: a name is no more than a hint; `boilerplate` decides by what is in the element.
"""

import re
from enum import StrEnum
from functools import lru_cache


class Hint(StrEnum):
    """What an element seems to be."""

    PATH = "path"
    LINKS = "links"
    ASIDE = "aside"
    HEADER = "header"
    FOOTER = "footer"
    ASKING = "asking"
    CONSENT = "consent"
    CONSENT_TOOL = "consent_tool"
    COMMENTS = "comments"


BY_TAG = {
    "nav": Hint.LINKS,
    "footer": Hint.FOOTER,
    "aside": Hint.ASIDE,
    "header": Hint.HEADER,
    "form": Hint.ASKING,
    "dialog": Hint.ASKING,
}
BY_ROLE = {
    "navigation": Hint.LINKS,
    "menu": Hint.LINKS,
    "menubar": Hint.LINKS,
    "toolbar": Hint.ASKING,
    "search": Hint.ASKING,
    "dialog": Hint.ASKING,
    "alertdialog": Hint.ASKING,
    "complementary": Hint.ASIDE,
    "banner": Hint.HEADER,
    "contentinfo": Hint.FOOTER,
}
# Of each, patterns of a name written as words in lower case.
_NAMES: dict[Hint, tuple[str, ...]] = {
    Hint.CONSENT_TOOL: (
        r"\b(?:onetrust|cookiebot|cybot\w*|usercentrics|didomi|iubenda|cookieyes|cky|cmplz|borlabs|klaro)\b",
        r"\b(?:tarteaucitron|osano|truste|qc cmp)\b",
    ),
    Hint.CONSENT: (
        r"\b(?:cookies?|gdpr|ccpa|privacy) ?(?:\w+ )*(?:banner|notice|bar|box|popup|modal|overlay|consent|message|dialog|alert|wall|law)\b",
        r"\b(?:cookie ?)?consent\b",
    ),
    Hint.PATH: (r"\bbread ?crumbs?\b", r"\bskip(?: |$)", r"\bback ?to ?top\b", r"\bedit ?(?:this )?(?:page|section|link)\b"),
    Hint.COMMENTS: (r"\bcomments\b", r"\bcomment ?(?:list|section|area|form|thread)\b", r"\bdisqus\b"),
    Hint.ASKING: (
        r"\b(?:helpful|feedback|votes?|voting|ratings?|reactions?|survey|newsletter|subscribe|sign ?up|log ?in)\b",
        r"\b(?:advert\w*|ads?|promo\w*|sponsor(?:ed)?|announcement|popup|modal|cta|chat (?:widget|bubble|launcher))\b",
        r"\blang(?:uage)? ?(?:switch\w*|select\w*|picker|menu)\b",
    ),
    Hint.LINKS: (
        r"\b(?:related|relatives|related ?posts|recommend\w*|recent\w*|popular|trending|see also|read ?more)\b",
        r"\b(?:share|sharing|sharedaddy|social|addtoany|addthis)\b",
        r"\b(?:pagination|pager|paging|(?:page|post|in page|sub) ?nav\w*|prev(?:ious)? next)\b",
        r"\b(?:tags?|tag ?cloud|tag ?list|categories|labels|catlinks|toc|toctree|table ?of ?contents|on this page)\b",
        r"\b(?:menus?|mega ?menu|nav|nav ?bar|nav ?list|navigation|quick ?links)\b",
    ),
    Hint.ASIDE: (r"\bside ?(?:bar|nav|menu|panel)\b", r"\bwidget(?: area|s)?\b", r"\b(?:left|right) (?:rail|column|nav)\b"),
    Hint.FOOTER: (r"\bfooter\b", r"\bcolophon\b", r"\bcopyright\b", r"\bimprint\b"),
    Hint.HEADER: (r"^header$", r"\b(?:site|page|global|top|app) ?header\b", r"\bmast ?head\b", r"\btop ?bar\b"),
}
_BY_NAME = tuple((hint, re.compile("|".join(patterns))) for hint, patterns in _NAMES.items())
# Of names that say how a page is laid out around something.
_LAYOUT = re.compile(r"\b(?:has|with|without|no|layout)\b")
_FOLDED = re.compile(r"\b(?:accordion|collaps\w*|expand\w*|answer|tab ?(?:panel|pane|content)|panel)\b")
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_LARGE_IN_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST_NAME = 80

_LISTED = (
    r"(?:related|recommended|popular|recent(?:ly viewed)?|other|more|similar|suggested|promoted|further) (?:\w+ )?"
    r"(?:articles?|topics?|posts?|pages?|questions?|links?|guides?|reading|content|resources|help)",
    r"(?:articles )?in this (?:section|category|collection|article|page|guide)|on this page|table of contents|contents|keep reading",
    r"you (?:may|might) also (?:like|be interested in).*",
    r"(?:verwandte|ähnliche|weitere|andere) (?:artikel|themen|beiträge)|auf dieser seite|in diesem artikel|inhalt(?:sverzeichnis)?",
    r"articles? (?:connexes?|similaires?|associés?)|sur cette page|dans cet article|sommaire",
    r"artículos relacionados|en esta página|en este artículo|articoli correlati|in questa pagina|gerelateerde artikelen|op deze pagina",
)
_ASKED = (
    r"(?:was|is) (?:this|the) (?:article|page|answer|topic|document\w*|content|information) (?:helpful|useful)\W*(?:yes\W*no\W*)?",
    r"(?:did this (?:article |page )?(?:answer your question|help)|was this helpful|did we help)\W*(?:yes\W*no\W*)?|yes\W+no",
    r"\d+ (?:out )?of \d+ (?:people )?found this (?:article )?helpful\W*|have more questions\? submit a request\W*",
    r"(?:skip|jump) to (?:(?:main |the )?content|navigation|search)|skip navigation|(?:back|return|scroll) to (?:the )?top|to top",
    r"edit this page(?: on git\w+)?|print(?: this)?(?: page| article)?|share(?: this)?(?: page| article| on \w+)?|copy (?:page|link)",
    r"war dieser (?:artikel|beitrag) hilfreich\W*(?:ja\W*nein\W*)?|zum inhalt springen|nach oben|diese seite bearbeiten",
    r"cet article (?:vous )?a-t-il été utile\W*(?:oui\W*non\W*)?|haut de (?:la )?page|¿(?:te|le|fue) .{0,30}útil (?:este artículo)?\W*",
)
_IS_LISTED = re.compile("|".join(_LISTED), re.IGNORECASE)
_IS_ASKED = re.compile("|".join(_ASKED), re.IGNORECASE)


@lru_cache(maxsize=4_096)
def hint_of(name: str) -> Hint | None:
    """What a class, an id or a label calls its element."""
    words = _words(name)
    if words is None or _LAYOUT.search(words):
        return None
    return next((hint for hint, pattern in _BY_NAME if pattern.search(words)), None)


@lru_cache(maxsize=4_096)
def is_folded(name: str) -> bool:
    """Whether a name is that of something which is hidden until it is asked for, as the answers of a list of questions are."""
    words = _words(name)
    return words is not None and _FOLDED.search(words) is not None


def is_list_heading(text: str) -> bool:
    """Whether these words announce links to other pages or to parts of this one."""
    return _IS_LISTED.fullmatch(text.strip(" :")) is not None


def is_said_on_every_page(text: str) -> bool:
    """Whether a whole paragraph says what pages of help centres say below any article, or has no letter and no digit."""
    return _IS_ASKED.fullmatch(text) is not None or not any(character.isalnum() for character in text)


def _words(name: str) -> str | None:
    """A name as words in lower case; `None` for what is no name but a utility class."""
    if len(name) > _LONGEST_NAME or any(mark in name for mark in ":[/"):
        return None
    return _NOT_A_LETTER.sub(" ", _LARGE_IN_WORD.sub(" ", name).lower()).strip()
