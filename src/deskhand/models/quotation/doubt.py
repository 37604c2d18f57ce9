"""Whether a question leaves open which of several things it is about: the same figure stands in documents of several like names. Pure.

The invariant: it is never asked what the customer has said, now or just before, nor where all answers say the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from deskhand.words import content_stems

_MOST_OPTIONS = 4
_TITLE_BREAK = re.compile(r":\s|\s[-\u2013\u2014|]\s|\s\(")
# In words that a name does not share with the others: a name has few, a headline many.
_LONGEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may answer: how it is cited, what its document is called, and the line that would be quoted first."""

    number: int
    title: str
    line: str

    @property
    def name(self) -> str:
        """What the title is about: "Gold Account" of "Gold Account: fees"."""
        return _TITLE_BREAK.split(self.title, maxsplit=1)[0].strip()


def open_options(candidates: Sequence[Candidate], *, said: frozenset[str], language: str) -> tuple[Candidate, ...]:
    """Between which candidates, best first, the question does not decide; none if it does. `said` are the stems of what was asked.

    Their names have a word in common ("Gold Account", "Bronze Account"), each has one of its own, and none of these was said.
    """
    by_name: dict[str, Candidate] = {}
    for candidate in candidates:
        by_name.setdefault(candidate.name, candidate)
    stems = {name: frozenset(content_stems(name, language)) for name in by_name}
    first = next(iter(stems.values()), frozenset())
    kin = [name for name, own in stems.items() if own & first][:_MOST_OPTIONS]
    if len(kin) < 2 or len({by_name[name].line for name in kin}) < len(kin):
        return ()
    common = frozenset.intersection(*(stems[name] for name in kin))
    own = [stems[name] - common for name in kin]
    if not common or any(not 0 < len(words) <= _LONGEST_NAME or words & said for words in own):
        return ()
    return tuple(by_name[name] for name in kin)
