"""What a customer's words say about the need for a person: asked for one, angry, a sensitive matter, danger. Pure.

A request is a word of contact near a word for a person in one sentence ("could you put me through to somebody else"), not taken
back by a negation, or an expression that asks on its own. The vocabulary (`phrases`) is general: no company's subject is in it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from deskhand.handoff.phrases import ANGER, DANGER, ENGLISH, NOT_MISSPELT, OFTEN_MISSPELT, OTHERS, SENSITIVE, UNSPACED, Vocabulary
from deskhand.words import fold

# A longer message says what it wants in its beginning or its end.
_READ_CHARACTERS = 1_500
_REACH = 7
_REACH_BACK = 4
_WANT_REACH = 3
_NEGATION_REACH = 3
_IDENTITY_REACH = 3
_BARE_WORDS = 5
_SHORTEST_SLIP = 4
_LONG = 8
_TOKEN = re.compile(r"[^\W_]+(?:['\u02bc-][^\W_]+)*|[.!?;\n\u2026]+")
_ELISION = re.compile(r"^(?:l|d|qu|j|n|m|s|c|un|all|dell|nell|sull|dall|quest)'")
_UNSPACED = re.compile(UNSPACED)
_UNSPACED_SCRIPT = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True)
class Signals:
    asked_for_person: bool = False
    angry: bool = False
    sensitive: bool = False
    in_danger: bool = False


class _Phrases:
    """Expressions of one to five words, found in a list of words by one look-up a word."""

    __slots__ = ("_by_first", "_stems")

    def __init__(self, written: str) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        self._stems: dict[str, list[tuple[str, ...]]] = {}
        for phrase in filter(None, (" ".join(part.split()) for part in written.split(","))):
            parts = tuple(_tokens(phrase))
            first = parts[0]
            if phrase.split()[0].endswith("*"):
                self._stems.setdefault(first[:3], []).append(parts)
            else:
                # Only a last word may be a stem otherwise: "gercek kisi*".
                marked = (*parts[:-1], f"{parts[-1]}*") if phrase.endswith("*") else parts
                self._by_first.setdefault(first, []).append(marked)

    def beginnings(self) -> tuple[set[str], set[str]]:
        """The first words of the expressions, and the first three letters of those that begin with a stem."""
        return set(self._by_first), set(self._stems)

    def match(self, tokens: list[str], at: int) -> int:
        """How many words of the longest expression stand at `at`; 0 for none."""
        token = tokens[at]
        longest = 0
        for phrase in self._by_first.get(token, ()):
            if len(phrase) > longest and _stands(phrase, tokens, at):
                longest = len(phrase)
        if not longest:
            for phrase in self._stems.get(token[:3], ()):
                if token.startswith(phrase[0]) and tokens[at + 1 : at + len(phrase)] == list(phrase[1:]):
                    longest = max(longest, len(phrase))
        return longest

    def places(self, tokens: list[str]) -> Iterator[int]:
        """Where expressions stand. Most words begin none, and are passed over without more ado."""
        words, stems = self._by_first, self._stems
        return (at for at, token in enumerate(tokens) if (token in words or token[:3] in stems) and self.match(tokens, at))

    def found_in(self, tokens: list[str]) -> bool:
        return next(self.places(tokens), None) is not None


def _stands(phrase: tuple[str, ...], tokens: list[str], at: int) -> bool:
    for offset, word in enumerate(phrase):
        if at + offset >= len(tokens):
            return False
        token = tokens[at + offset]
        if token != word and not (word.endswith("*") and token.startswith(word[:-1])):
            return False
    return True


class _Language:
    __slots__ = (
        "alone",
        "contact",
        "epithets",
        "expressions",
        "filler",
        "identity",
        "negation",
        "past",
        "person",
        "software",
        "surely_person",
        "want",
    )

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.contact = _Phrases(vocabulary.contact)
        self.person = _Phrases(f"{vocabulary.person}, {vocabulary.surely_person}")
        self.surely_person = _Phrases(vocabulary.surely_person)
        self.want = _Phrases(vocabulary.want)
        self.software = frozenset(_words(vocabulary.software))
        self.epithets = frozenset(_words(vocabulary.epithets))
        self.negation = _Phrases(vocabulary.negation)
        self.expressions = _Phrases(vocabulary.expressions)
        self.alone = _Phrases(vocabulary.alone)
        self.identity = _Phrases(vocabulary.identity)
        self.past = _Phrases(vocabulary.past)
        self.filler = frozenset(_words(vocabulary.filler))

    def named(self) -> tuple[set[str], set[str]]:
        """What a sentence has to have for this language to look at it: the beginnings of a person or an expression."""
        words, stems = self.person.beginnings()
        for phrases in (self.expressions, self.alone):
            more_words, more_stems = phrases.beginnings()
            words, stems = words | more_words, stems | more_stems
        return words, stems

    def asks(self, tokens: list[str]) -> bool:
        """Whether this sentence asks for a person."""
        if self.expressions.found_in(tokens):
            return True
        if any(not self._negated(tokens, at) and not self._asks_who(tokens, at) for at in self.alone.places(tokens)):
            return True
        persons = list(self.person.places(tokens))
        if not persons:
            return False
        for at in self.contact.places(tokens):
            length = self.contact.match(tokens, at)
            told = at > 0 and self.past.match(tokens, at - 1)
            if not told and not self._negated(tokens, at) and any(self._near(at, length, person) for person in persons):
                return True
        surely = [at for at in persons if self.surely_person.match(tokens, at)]
        for at in self.want.places(tokens) if surely else ():
            length = self.want.match(tokens, at)
            if not self._negated(tokens, at) and any(self._is_wanted(tokens, at + length, person) for person in surely):
                return True
        return False

    def _is_wanted(self, tokens: list[str], behind: int, person: int) -> bool:
        """Whether what is wanted is the person: "is there an operator", but not "is there a Kubernetes operator"."""
        if not behind <= person < behind + _WANT_REACH:
            return False
        return tokens[person] not in self.software or self.epithets.issuperset(tokens[behind:person])

    def asks_barely(self, tokens: list[str]) -> bool:
        """Whether a short message is nothing but the wish: "agent please"."""
        if not 0 < len(tokens) <= _BARE_WORDS:
            return False
        rest = list(tokens)
        named = False
        at = 0
        while at < len(rest):
            length = self.surely_person.match(rest, at)
            if length:
                named = True
            elif rest[at] not in self.filler:
                return False
            at += length or 1
        return named

    def _asks_who(self, tokens: list[str], at: int) -> bool:
        return any(before + self.identity.match(tokens, before) == at for before in range(max(0, at - _IDENTITY_REACH), at))

    @staticmethod
    def _near(at: int, length: int, person: int) -> bool:
        return at + length - 1 <= person <= at + length + _REACH or at - _REACH_BACK <= person < at

    def _negated(self, tokens: list[str], at: int) -> bool:
        if "why" in tokens[max(0, at - _NEGATION_REACH - 2) : at]:
            return False
        return any(self.negation.match(tokens, before) for before in range(max(0, at - _NEGATION_REACH), at))


def _words(written: str) -> Iterator[str]:
    return (part.strip() for part in written.split(","))


def _tokens(text: str) -> list[str]:
    return [_ELISION.sub("", token) if "'" in token else token for token in _TOKEN.findall(fold(text))]


def _deletions(word: str) -> Iterator[str]:
    """The word without each of its letters but the first: two words one slip apart have one of these, or one of them itself, in common."""
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))


class _Lexicon:
    """The vocabulary of all languages, made fit for looking up."""

    __slots__ = ("_known", "_serious_stems", "_serious_words", "_slips", "_stems", "anger", "by_stem", "by_word", "danger", "sensitive")

    def __init__(self) -> None:
        self.by_word: dict[str, list[_Language]] = {}
        self.by_stem: dict[str, list[_Language]] = {}
        for language in (_Language(vocabulary) for vocabulary in (ENGLISH, *OTHERS)):
            words, stems = language.named()
            for word in words:
                self.by_word.setdefault(word, []).append(language)
            for stem in stems:
                self.by_stem.setdefault(stem, []).append(language)
        self.anger = _Phrases(ANGER)
        self.sensitive = _Phrases(SENSITIVE)
        self.danger = _Phrases(DANGER)
        self._serious_words: set[str] = set()
        self._serious_stems: set[str] = set()
        for phrases in (self.anger, self.sensitive, self.danger):
            words, stems = phrases.beginnings()
            self._serious_words |= words
            self._serious_stems |= stems
        written = _words_of((ENGLISH, *OTHERS))
        self._known = frozenset(written)
        self._stems = tuple({word[:-1] for word in written if word.endswith("*")})
        # What often misspelt words become by a slip, each with the word that is meant.
        self._slips = {slip: word for word in OFTEN_MISSPELT.split() for slip in (word, *_deletions(word))}

    def may_be_serious(self, tokens: list[str]) -> bool:
        """Whether an expression of anger, of a sensitive matter or of danger may stand in these words: seldom, and the rest is costlier."""
        words, stems = self._serious_words, self._serious_stems
        return any(token in words or token[:3] in stems for token in tokens)

    def meant(self, token: str) -> str:
        """The word that a token is a slip of: a letter too many or too few, two that changed places, in a long word a wrong one."""
        if len(token) < _SHORTEST_SLIP or token in self._known or token.startswith(self._stems):
            return token
        meant = self._slips.get(token)
        if meant is None:
            meant = next((self._slips[slip] for slip in _deletions(token) if slip in self._slips), token)
        # One letter for another makes most short words another word.
        return meant if len(meant) != len(token) or sorted(meant) == sorted(token) or len(token) >= _LONG else token


def _words_of(vocabularies: Iterable[Vocabulary]) -> list[str]:
    """All words that stand in expressions; one that ends in "*" is a stem."""
    return [
        word
        for each in vocabularies
        for phrases in (each.contact, each.person, each.surely_person, each.alone, each.expressions, NOT_MISSPELT)
        for phrase in phrases.split(",")
        for word in phrase.split()
    ]


@lru_cache(maxsize=10_000)
def _meant(token: str) -> str:
    return _lexicon().meant(token)


@cache
def _lexicon() -> _Lexicon:
    # Not at import: no start has to wait for it.
    return _Lexicon()


def wants_person(text: str) -> bool:
    """Whether the customer asks to talk to a person, or refuses to talk to a machine."""
    return _asks(text, _sentences(text))


def read_signals(texts: Iterable[str]) -> Signals:
    """Read the customer's messages of one turn."""
    lexicon = _lexicon()
    asked = angry = sensitive = danger = False
    for text in texts:
        found = _sentences(text)
        asked = asked or _asks(text, found)
        for tokens in filter(lexicon.may_be_serious, found):
            angry = angry or lexicon.anger.found_in(tokens)
            sensitive = sensitive or lexicon.sensitive.found_in(tokens)
            danger = danger or lexicon.danger.found_in(tokens)
    return Signals(asked_for_person=asked, angry=angry, sensitive=sensitive, in_danger=danger)


def _asks(text: str, found: list[list[str]]) -> bool:
    if _UNSPACED_SCRIPT.search(text) and _UNSPACED.search(text[:_READ_CHARACTERS]):
        return True
    lexicon = _lexicon()
    found = [[_meant(token) for token in tokens] for tokens in found]
    everything = [token for tokens in found for token in tokens]
    languages: dict[_Language, None] = {}
    for token in everything:
        for language in lexicon.by_word.get(token, ()):
            languages[language] = None
        for language in lexicon.by_stem.get(token[:3], ()):
            languages[language] = None
    return any(language.asks_barely(everything) or any(language.asks(tokens) for tokens in found) for language in languages)


def _sentences(text: str) -> list[list[str]]:
    if len(text) > 2 * _READ_CHARACTERS:
        text = f"{text[:_READ_CHARACTERS]}\n{text[-_READ_CHARACTERS:]}"
    found: list[list[str]] = [[]]
    for token in _tokens(text):
        if token[0] in ".!?;\n\u2026":
            found.append([])
        else:
            found[-1].append(token)
    return [tokens for tokens in found if tokens]
