"""Questions that customers ask in many ways, with one answer: each example is found by itself, and those of one answer vote for it.

A row of a table or list with a column `variants` is such a document: its answer is its text, and each variant is one more chunk of it, with
the same text but found by the variant alone. The invariant: a search shows the answer once, however many of its examples it found.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deskhand.knowledge.chunking import EXAMPLE, Chunk
from deskhand.knowledge.documents import DocumentId
from deskhand.knowledge.passage_repository import PassageRow
from deskhand.knowledge.ranking import Hit

_MOST_EXAMPLES = 1_000
_LONGEST_EXAMPLE = 300
# How like an example a question is: mostly by meaning, because examples are short and say the same in other words.
_COSINE = 0.85
_COVERAGE = 0.15
# How sharply near examples outweigh far ones, and how much being ahead of the next answer counts. By intents_hint3 (curekart, and a fifth
# of the examples of the two others) and BANKING77 with ten examples each: the optimum is flat.
_SHARPNESS = 10.0
_AHEAD = 0.5
_FAR = 0.3
# Logistic regression of "the answer voted for is the right one" on those sets, every set weighing the same.
_SLOPE = 8.9
_BIAS = -6.5


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that may be shown. `chance` in (0, 1) that it answers, where examples voted for it."""

    hit: Hit
    row: PassageRow
    chance: float | None = None


def example_chunks(metadata: Mapping[str, Any], pieces: Sequence[Chunk], *, title: str) -> list[Chunk]:
    """A chunk for each variant of a document's question, the title with them; none for a document that has no variants."""
    variants = metadata.get("variants")
    if not isinstance(variants, list) or not pieces:
        return []
    written = [" ".join(variant.split())[:_LONGEST_EXAMPLE] for variant in (title, *variants) if isinstance(variant, str)]
    return [Chunk(pieces[0].text, f"{EXAMPLE}{variant}", pieces[0].page) for variant in dict.fromkeys(written) if variant][:_MOST_EXAMPLES]


def has_examples(rows: Mapping[int, PassageRow]) -> bool:
    return any(_is_example(row) for row in rows.values())


def gathered(hits: Sequence[Hit], rows: Mapping[int, PassageRow]) -> list[Found]:
    """`hits`, best first, each answer once. Answers that have examples change places among each other by the vote of their examples."""
    votes: dict[DocumentId, list[float]] = {}
    firsts: dict[tuple[DocumentId, str], Found] = {}
    for hit in hits:
        row = rows.get(hit.chunk_id)
        if row is None:
            continue
        firsts.setdefault((row.document_id, row.text), Found(hit, row))
        if _is_example(row):
            votes.setdefault(row.document_id, []).append(_COSINE * hit.cosine + _COVERAGE * hit.coverage)
    strengths = {document: _joined(likes) for document, likes in votes.items()}
    ahead = sorted(strengths, key=lambda document: (-strengths[document], document))
    ranked = [*(strengths[document] for document in ahead), _FAR]
    chances = {document: _chance(ranked[place], following=ranked[place + 1]) for place, document in enumerate(ahead)}
    voted = {found.row.document_id: found for found in reversed(firsts.values()) if found.row.document_id in votes}
    in_turn = iter(ahead)
    placed: list[Found] = []
    seen: set[DocumentId] = set()
    for found in firsts.values():
        if found.row.document_id not in votes:
            placed.append(found)
        elif found.row.document_id not in seen:
            seen.add(found.row.document_id)
            document = next(in_turn)
            placed.append(Found(voted[document].hit, voted[document].row, chances[document]))
    return placed


def shown_section(row: PassageRow) -> str | None:
    """The headings above a passage; an example is no heading."""
    return None if _is_example(row) else row.section


def _is_example(row: PassageRow) -> bool:
    return row.section is not None and row.section.startswith(EXAMPLE)


def _joined(likes: Sequence[float]) -> float:
    """The soft maximum: the nearest example, and something for every other that is nearly as near."""
    most = max(likes)
    return most + math.log(sum(math.exp(_SHARPNESS * (like - most)) for like in likes)) / _SHARPNESS


def _chance(strength: float, *, following: float) -> float:
    return 1 / (1 + math.exp(-(_BIAS + _SLOPE * (strength + _AHEAD * (strength - following)))))
