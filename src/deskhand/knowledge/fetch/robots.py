"""What a site's robots.txt says of us (RFC 9309). Pure.

Invariant: matching takes time in proportion to the pattern and the path. A rule is matched piece by piece, never as a regular expression,
so a hostile file cannot make it slow.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from yarl import URL

MAX_BYTES: Final = 512_000
_MOST_RULES: Final = 5_000
_LONGEST_PATTERN: Final = 1_000
_PRODUCT: Final = re.compile(r"[a-z_-]+")


@dataclass(frozen=True, slots=True)
class Rule:
    allow: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of the group that applies to us. `delay_seconds` is how far apart it wants requests; 0 if it does not say."""

    rules: tuple[Rule, ...] = ()
    delay_seconds: float = 0.0

    def allows(self, url: URL) -> bool:
        """Whether `url` may be fetched: the longest rule that matches decides, and of equal ones that which allows."""
        path = _normal(url.raw_path_qs or "/")
        matching = [rule for rule in self.rules if _matches(rule.pattern, path)]
        return max(matching, key=lambda rule: (len(rule.pattern), rule.allow)).allow if matching else True


EVERYTHING: Final = Robots()


@dataclass(slots=True)
class _Group:
    products: set[str] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    delay_seconds: float = 0.0
    closed: bool = False


def parse_robots(text: str, *, product: str) -> Robots:
    """The groups that name `product`, joined; where none does, those for all. What is not understood is passed over, as the RFC asks."""
    groups: list[_Group] = []
    for line in text.lstrip("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            _take(groups, key.strip().lower(), value.strip())
    wanted = product.lower()
    chosen = [group for group in groups if wanted in group.products] or [group for group in groups if "*" in group.products]
    rules = [rule for group in chosen for rule in group.rules]
    return Robots(tuple(rules[:_MOST_RULES]), max((group.delay_seconds for group in chosen), default=0.0))


def _take(groups: list[_Group], key: str, value: str) -> None:
    if key == "user-agent":
        if not groups or groups[-1].closed:
            groups.append(_Group())
        named = _PRODUCT.match(value.lower())
        groups[-1].products.add("*" if value.startswith("*") else named.group() if named else "")
    elif groups:
        if key in ("allow", "disallow"):
            groups[-1].closed = True
            if value and len(value) <= _LONGEST_PATTERN:
                groups[-1].rules.append(Rule(key == "allow", _normal(value)))
        elif key == "crawl-delay":
            groups[-1].closed = True
            groups[-1].delay_seconds = _seconds(value)


def _seconds(value: str) -> float:
    return float(value) if re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", value) else 0.0


def _normal(path: str) -> str:
    """A path with its bytes spelt in one way, so that `/%7Ea` and `/~a` are the same; `%2F` stays apart from `/`."""
    pieces = re.split(r"(%2[Ff]|%2[Aa]|%24)", path)
    return "".join(
        piece.upper() if number % 2 else unquote_to_bytes(piece).decode("utf-8", "replace") for number, piece in enumerate(pieces)
    )


def _matches(pattern: str, path: str) -> bool:
    ends = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    place = len(first)
    for number, piece in enumerate(rest):
        if ends and number == len(rest) - 1:
            return len(path) - len(piece) >= place and path.endswith(piece)
        place = path.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return not ends or place == len(path)
