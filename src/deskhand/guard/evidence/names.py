"""Names of people, places, plans and products in a sentence, and whether the evidence knows them.

The invariant: a word counts as a name by how it is written, never by a list of names, so a company's own products need no list. It cannot
be asked for German, where every noun is written so.
"""

import re
from collections.abc import Iterator, Sequence

from deskhand.guard.evidence.calendar import MONTHS, WEEKDAYS
from deskhand.guard.evidence.sources import Evidence
from deskhand.words import STOP_WORDS, fold

# A word that does not begin small, with its possessive.
_WORD = re.compile(r"\b(?![a-zß-öø-ÿ])[^\W\d_]+(?:['’][^\W\d_]+)*")
_STARTS = frozenset('.!?:;•|–—"“”„«¿¡([*#>/\n-')
_NUMBERING = re.compile(r"\d{1,3}[.)]")
# Abbreviations that everybody knows and no document explains.
_ACRONYMS = """
    ok id ids dob faq faqs url pdf pin sms eta tbd usa us uk eu am pm est pst cet utc gmt vat vip atm ai it api sim gps usb vpn wifi wi fi
    ram ssd hdd cpu tv pc dvd cd led lcd html csv json xml zip http https www iban bic swift cvv cvc apn lte mms nfc qr ceo hr kyc apr atms
    asap fyi ps pps gb mb tb kb usd eur gbp chf jpy note hello hi thanks thank please yes no sorry sure great
"""
_KNOWN = frozenset(_ACRONYMS.split())
_MOST_APART = 4
_SHORTEST_ACRONYM = 3
_CODE_BEHIND = re.compile(r"(?:,? [A-Z][^\W\d_]+){0,2} ?\(([A-Z]{2,5})\)")
_CODE_BEFORE = re.compile(r"\b([A-Z]{2,5}) \((?:[A-Z][^\W\d_]+ ){0,4}$")
_WORD_BEFORE = re.compile(r"\b([A-Z][^\W\d_]+) $")
_WORD_BEHIND = re.compile(r" ([A-Z][^\W\d_]+)")
_SPELLED_OUT = re.compile(r"\(([^()]+)\)")


def unknown_names(sentence: str, evidence: Evidence) -> Iterator[str]:
    """The names in `sentence` that the evidence does not hold, or does not hold together."""
    # Most sentences have no capital but their first: nothing else can be a name.
    if sentence[1:].islower() or sentence.isupper():
        return
    previous: tuple[str, int] | None = None
    for match in _WORD.finditer(sentence):
        word = match[0]
        if not word[0].isupper():
            continue
        begins = _begins(sentence, match.start())
        name = _bare(word)
        if begins or not _is_name(word, name):
            previous = (name, match.end()) if _is_name(word, name) else None
            continue
        if not _is_known(name, evidence):
            if not _is_explained(sentence, match, evidence):
                yield word
        elif previous is not None and sentence[previous[1] : match.start()] == " " and not _stand_together(previous[0], name, evidence):
            yield f"{previous[0]} {name}"
        previous = (name, match.end())


def _begins(sentence: str, at: int) -> bool:
    """Whether a word that stands here has a capital because something begins with it."""
    before = sentence[:at].rstrip(" \t\u00a0")
    return not before or before[-1] in _STARTS or _NUMBERING.fullmatch(before.lstrip()) is not None


def _bare(word: str) -> str:
    """Without the possessive: "Anna's" is Anna."""
    return fold(re.split(r"['’]", word)[0])


def _is_name(word: str, name: str) -> bool:
    return len(name) > 1 and name not in STOP_WORDS and name not in _KNOWN and name not in MONTHS and name not in WEEKDAYS and word != "I"


def _is_known(name: str, evidence: Evidence) -> bool:
    return evidence.has_word(name) or evidence.has_word(f"{name}s") or (name.endswith("s") and evidence.has_word(name[:-1]))


def _is_explained(sentence: str, match: re.Match[str], evidence: Evidence) -> bool:
    """Whether the sentence itself says which code of the evidence a name stands for, "Chicago (ORD)", or it is short for words there."""
    spelled = _SPELLED_OUT.match(sentence, max(0, sentence.rfind("(", 0, match.start())))
    beside = _CODE_BEHIND.match(sentence, match.end()) or _CODE_BEFORE.search(sentence[: match.start()])
    if beside is not None:
        code = beside[1].lower()
        if not evidence.has_word(code):
            return False
        if beside.re is _CODE_BEFORE and spelled is not None and len(words := spelled[1].split()) == len(code):
            return "".join(word[0] for word in words).lower() == code
        told = {found for text in evidence for found in re.findall(rf"(\w+) ?\({re.escape(code)}\)", text.folded)}
        if told:
            return fold(match[0]) in told
        if not _may_abbreviate(code, _whole_name(sentence, match)):
            return False
        return _abbreviates(code, match[0]) or not any(_abbreviates(code, word) for word in evidence.written_large)
    return match[0].isupper() and len(match[0]) >= _SHORTEST_ACRONYM and any(_spells(match[0], text.folded) for text in evidence)


def _abbreviates(code: str, name: str) -> bool:
    """Whether the letters of a code stand in a name, in order and from its first: ATL is Atlanta."""
    letters = iter(fold(name))
    return name[:1].lower() == code[:1] and all(letter in letters for letter in code)


def _whole_name(sentence: str, match: re.Match[str]) -> list[str]:
    """The words with a capital around one, which stand with it as one name."""
    words = [fold(match[0])]
    before, behind = sentence[: match.start()], sentence[match.end() :]
    while (found := _WORD_BEFORE.search(before)) is not None:
        words.insert(0, fold(found[1]))
        before = before[: found.start()]
    while (found := _WORD_BEHIND.match(behind)) is not None:
        words.append(fold(found[1]))
        behind = behind[found.end() :]
    return words


def _may_abbreviate(code: str, words: Sequence[str]) -> bool:
    """False for a name of more than one word that begins like the code, and has neither its letters nor its initials: SFO, San Geneva."""
    if len(words) == 1 or words[0][0] != code[0]:
        return True
    return _abbreviates(code, "".join(words)) or code.startswith("".join(word[0] for word in words))


def _spells(acronym: str, text: str) -> bool:
    """Whether words that begin with its letters follow one another in the text."""
    return re.search(r"\b" + r"\w*\W+".join(map(re.escape, acronym.lower())) + r"\w*\b", text) is not None


def _stand_together(one: str, other: str, evidence: Evidence) -> bool:
    if not (evidence.has_word(one) and evidence.has_word(other)):
        return True
    # A word that the evidence writes small is no part of a name: "Size Small".
    if any(f" {one} " in text.text or f" {other} " in text.text or f'"{one}"' in text.text for text in evidence):
        return True
    return any(text.has_near(one, other, within=_MOST_APART) for text in evidence)
