"""How much of a passage is quoted: whole paragraphs, lists and sections where they are short, of a table the rows asked for. Pure.

Invariant: what is quoted stands in the passage in the same order, a list or table never without what introduces it, a row never without its
head. Of a wide table the columns that were not asked for may be left out: then every cell that is shown is one of the passage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deskhand.models.quotation.asking import Asked
from deskhand.models.quotation.blocks import Kind, Unit
from deskhand.words import StemFinder

NEAR_BEST = 0.6
# A section that is asked about by its heading is quoted whole up to here; a paragraph, and any other section, up to there.
_SECTION_CHARACTERS = 600
_PARAGRAPH_CHARACTERS = 420
_HEADING_ASKED = 0.6
_MOST_BLOCKS = 2
_MOST_SENTENCES = 3
_MOST_ROWS = 10
_MOST_ITEMS = 12
_WIDE_TABLE = 4


@dataclass(frozen=True, slots=True)
class Weighed:
    """The units of a passage with how well each answers. `heading_share` is the part of the question that its headings hold."""

    units: Sequence[Unit]
    scores: Sequence[float]
    # Which of the question's stems stand in each unit itself, not only above it.
    own: Sequence[frozenset[str]]
    # Those that stand in the title or a heading: what all of the passage is about names no row of it.
    about: frozenset[str]
    heading_share: float


def extent(weighed: Weighed, asked: Asked, *, telling: dict[str, float], finder: StemFinder) -> tuple[Unit, ...]:
    """The units to quote, in their order."""
    units, scores = weighed.units, weighed.scores
    best = max(range(len(units)), key=lambda at: (scores[at], -at))
    if not scores[best]:
        # Found by meaning alone: its first section says what it is about.
        return _tables_narrowed(units, _from_the_top(units), asked, finder=finder)
    if not asked.figure and not asked.case and (section := _short_section(weighed, units[best].heading)):
        return section
    taken: set[int] = set()
    enough = NEAR_BEST * scores[best]
    for at in sorted(range(len(units)), key=lambda at: (-scores[at], at)):
        if scores[at] < enough or len({units[other].block for other in taken}) > _MOST_BLOCKS:
            break
        if asked.case and asked.fits(units[best]) and not asked.fits(units[at]):
            continue
        if at not in taken and (at == best or weighed.own[at] - _said(weighed, taken) or units[at].block == units[best].block):
            taken.update(_around(weighed, at, asked, telling=telling, more=at != best))
    if asked.steps:
        taken.update(_steps_under(units, units[best].heading))
    return _tables_narrowed(units, sorted(taken), asked, finder=finder)


def _short_section(weighed: Weighed, heading: str) -> tuple[Unit, ...]:
    """All that stands under a heading, if that is short and no table; nothing otherwise."""
    section = tuple(unit for unit in weighed.units if unit.heading == heading)
    # Lines under no heading need not be of one subject.
    most = _SECTION_CHARACTERS if weighed.heading_share >= _HEADING_ASKED else _PARAGRAPH_CHARACTERS if heading else 0
    short = sum(len(unit.text) for unit in section) <= most
    return section if short and all(unit.kind is not Kind.ROW for unit in section) else ()


def _said(weighed: Weighed, taken: set[int]) -> frozenset[str]:
    return frozenset().union(*(weighed.own[at] for at in taken))


def _from_the_top(units: Sequence[Unit]) -> list[int]:
    taken: list[int] = []
    for at, unit in enumerate(units):
        if unit.block != units[0].block and sum(len(units[other].text) for other in taken) + len(unit.text) > _PARAGRAPH_CHARACTERS:
            break
        if len(taken) == _MOST_ITEMS or unit.heading != units[0].heading:
            break
        taken.append(at)
    return taken


def _around(weighed: Weighed, at: int, asked: Asked, *, telling: dict[str, float], more: bool) -> list[int]:
    """A unit with what it cannot be understood without."""
    units = weighed.units
    match units[at].kind:
        case Kind.ROW:
            return [] if more else _rows(weighed, units[at].block, asked, telling=telling)
        case Kind.SENTENCE:
            table = _rows(weighed, units[at + 1].block, asked, telling=telling) if _introduces_table(units, at) else []
            paragraph = _paragraph(units, at)
            return [*paragraph, *(item for sentence in (at, paragraph[-1]) for item in _list_behind(units, sentence)), *table]
        case Kind.STEP | Kind.ITEM | Kind.CODE:
            return _whole_list(units, at)


def _paragraph(units: Sequence[Unit], at: int) -> list[int]:
    """The whole paragraph of a sentence; of a long one, the sentence with those before it, or by itself with the next."""
    block = [other for other in range(len(units)) if units[other].block == units[at].block]
    if sum(len(units[other].text) for other in block) <= _PARAGRAPH_CHARACTERS:
        return block
    before = [other for other in block if other <= at]
    if sum(len(units[other].text) for other in before) <= _PARAGRAPH_CHARACTERS and len(before) <= _MOST_SENTENCES:
        return before
    return [other for other in block if at <= other <= at + 1]


def _rows(weighed: Weighed, block: int, asked: Asked, *, telling: dict[str, float]) -> list[int]:
    """The rows whose first cell was named, else those that are of the kind asked for, else the table."""
    units = weighed.units
    table = [at for at in range(len(units)) if units[at].block == block]
    head, rows = table[0], table[1:]
    unmistakable = [at for at in rows if asked.only(units[at].text)]
    rows = unmistakable or rows
    named = {at: sum(telling.get(word, 0.0) for word in weighed.own[at] - weighed.about) for at in rows}
    most = max(named.values(), default=0.0)
    chosen = [at for at in rows if most and named[at] >= NEAR_BEST * most]
    if not chosen:
        fitting = [at for at in rows if asked.fits(units[at])]
        chosen = fitting or rows
    introduction = [head - 1] if head and _introduces_table(units, head - 1) else []
    return [*introduction, head, *chosen[:_MOST_ROWS]]


def _introduces_table(units: Sequence[Unit], at: int) -> bool:
    """Whether a sentence goes on in the table behind it: "We pay within 14 days, by the way you paid:"."""
    behind = at + 1
    if behind == len(units) or not units[at].introduces:
        return False
    return units[behind].kind is Kind.ROW and units[behind].heading == units[at].heading


def _list_behind(units: Sequence[Unit], at: int) -> list[int]:
    """The list that a sentence introduces."""
    return [other for other in range(at + 1, len(units)) if units[other].lead == at][:_MOST_ITEMS]


def _whole_list(units: Sequence[Unit], at: int) -> list[int]:
    block = [other for other in range(len(units)) if units[other].block == units[at].block]
    lead = units[at].lead
    kept = block if len(block) <= _MOST_ITEMS else [at]
    return kept if lead is None else [lead, *kept]


def _steps_under(units: Sequence[Unit], heading: str) -> list[int]:
    """The first numbered list under a heading, which is what "how do I" asks for."""
    steps = [at for at, unit in enumerate(units) if unit.kind is Kind.STEP and unit.heading == heading]
    return _whole_list(units, steps[0]) if steps else []


def _tables_narrowed(units: Sequence[Unit], taken: Sequence[int], asked: Asked, *, finder: StemFinder) -> tuple[Unit, ...]:
    """The units, a wide table's with the first column and those that were asked for alone."""
    narrowed: list[Unit] = []
    kept: tuple[int, ...] | None = None
    for at in taken:
        unit = units[at]
        if unit.kind is Kind.ROW and unit.lead is None:
            kept = _columns_asked(unit.text, asked, finder, rows=[units[other].text for other in taken if units[other].lead == at])
        narrowed.append(replace(unit, text=_narrowed(unit.text, kept)) if unit.kind is Kind.ROW and kept else unit)
    return tuple(narrowed)


def _columns_asked(head: str, asked: Asked, finder: StemFinder, *, rows: Sequence[str]) -> tuple[int, ...] | None:
    """The first column and those that the question names, or else those that the one before named; `None` for all.

    Of a named column that has no amount where one is asked for, the next one that has it comes along: "Express | Cost".
    """
    cells = _cells(head.split("\n", maxsplit=1)[0])
    if len(cells) < _WIDE_TABLE:
        return None
    weights = {at: max((asked.stems[word] for word in finder.find(cell)), default=0.0) for at, cell in enumerate(cells) if at}
    most = max(weights.values())
    named = [at for at, weight in weights.items() if weight == most]
    if not most or len(named) == len(weights):
        return None
    table = [_cells(row) for row in rows]
    having = [at for at in weights if any(at < len(row) and asked.only(row[at]) for row in table)]
    if having and not set(named).intersection(having):
        named += [next((at for at in having if at > name), having[0]) for name in named]
    return (0, *sorted(set(named)))


def _narrowed(text: str, columns: tuple[int, ...]) -> str:
    lines = [_cells(line) for line in text.split("\n")]
    return "\n".join("| " + " | ".join(cells[at] for at in columns if at < len(cells)) + " |" for cells in lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
