"""Markdown from what a document is made of, the same for every kind that is not Markdown itself."""

import re
from collections.abc import Sequence

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_OPENS_A_BLOCK = re.compile(r"^([ \t]{0,3})(?=#{1,6}[ \t]|>|```|~~~)", re.MULTILINE)
_UNDERLINES = re.compile(r"(?<=\n)([ \t]{0,3})(?=(?:=+|-{2,})[ \t]*(?:\n|\Z))")


def clean(text: str) -> str:
    """The text without characters that no text can have."""
    return _CONTROLS.sub("", text)


def words(text: str) -> str:
    """Text of a page as Markdown that says the same: what only looks like a heading, a quotation or a rule is none."""
    return _UNDERLINES.sub(r"\1\\", _OPENS_A_BLOCK.sub(r"\1\\", text))


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first one as its head. Columns without a word in them are left out; "" if nothing is left."""
    filled = [[cell(text) for text in row] for row in rows if any(text.strip() for text in row)]
    width = max((len(row) for row in filled), default=0)
    filled = [row + [""] * (width - len(row)) for row in filled]
    kept = [column for column in range(width) if any(row[column] for row in filled)]
    if not kept:
        return ""
    lines = ["| " + " | ".join(row[column] for column in kept) + " |" for row in filled]
    if len(kept) == 1:
        return "\n\n".join(words(row[kept[0]].replace("\\|", "|")) for row in filled if row[kept[0]])
    return "\n".join([lines[0], "|" + " --- |" * len(kept), *lines[1:]])


def join(blocks: Sequence[str]) -> str:
    """Blocks with an empty line between them; items of a list stay together."""
    out: list[str] = []
    for block in blocks:
        if not block.strip():
            continue
        if out:
            out.append("\n" if is_item(block) and is_item(out[-1]) else "\n\n")
        out.append(block)
    return "".join(out)


def is_item(block: str) -> bool:
    return re.match(r"\s*(?:[-*]|\d+\.) ", block) is not None
