"""What a reader got, in a form in which two readers can be compared however their text was cut.

A piece is a run of text of a running answer, a note in it, or a stored event. Keys are the numbers of ids, which only grow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

Key = tuple[int, ...]
ENDS = ("complete", "error", "cancelled")


@dataclass(frozen=True, slots=True)
class Piece:
    """`key` is that of its end. `text` is empty but for text, whose first character stands `start` characters into the answer."""

    key: Key
    kind: str
    content: Any = None
    start: int = 0
    text: str = ""

    @property
    def cuts(self) -> Iterator[Key]:
        """Every position in it that a reader may come back with."""
        if self.kind != "text":
            yield self.key
        else:
            for offset in range(self.start + 1, self.key[2] + 1):
                yield (*self.key[:2], offset)


def key_of(event_id: str) -> Key:
    return tuple(int(number) for number in event_id.split(".")) if event_id else (0,)


def id_of(key: Key) -> str:
    return ".".join(str(number) for number in key)


def as_json(events: Iterable[Any]) -> list[dict[str, Any]]:
    """Events as clients get them."""
    return [msgspec.json.decode(msgspec.json.encode(event)) for event in events]


def pieces_of(events: Iterable[dict[str, Any]]) -> list[Piece]:
    """The pieces of events, with adjoining text joined.

    Raises:
        AssertionError: an id does not grow, or a stored number is left out.
    """
    pieces: list[Piece] = []
    previous: Key = ()
    for event in events:
        key = key_of(event["id"])
        assert key > previous, f"{key} comes after {previous}"
        previous = key
        content = {name: value for name, value in event.items() if name not in ("id", "timestamp")}
        if event["type"] != "text":
            pieces.append(Piece(key, "stored" if len(key) == 1 else "restart" if event["type"] == "started" else "note", content))
            continue
        start = key[2] - len(event["delta"])
        last = pieces[-1] if pieces else None
        if last is not None and last.kind == "text" and last.key[:2] == key[:2] and last.key[2] == start:
            pieces[-1] = replace(last, key=key, text=last.text + event["delta"])
        else:
            pieces.append(Piece(key, "text", start=start, text=event["delta"]))
    return pieces


def check_follows(pieces: Sequence[Piece], *, after: Key) -> None:
    """No stored event is left out, from the one after the position on, and what is not stored stands behind the right one."""
    stored = after[0]
    for piece in pieces:
        assert piece.key > after, f"{piece.key} was seen before {after}"
        if piece.kind == "stored":
            assert piece.key == (stored + 1,), f"{piece.key} comes after the stored event {stored}"
            stored += 1
        else:
            assert piece.key[0] == stored, f"{piece.key} stands behind {stored}"


def rest_after(pieces: Sequence[Piece], key: Key) -> list[Piece]:
    """What a reader at `key` has not seen. Text and notes of answers that have ended are left out: the end carries the text."""
    last_end = max((piece.key for piece in pieces if piece.kind == "stored" and piece.content["type"] in ENDS), default=(0,))
    rest: list[Piece] = []
    for piece in pieces:
        if piece.key <= key or (piece.kind != "stored" and piece.key <= last_end):
            continue
        if piece.kind == "text" and piece.key[:2] == key[:2] and piece.start < key[2]:
            piece = replace(piece, start=key[2], text=piece.text[key[2] - piece.start :])  # noqa: PLW2901 - what is left of it takes its place
        rest.append(piece)
    return rest


def seen_until(pieces: Sequence[Piece], key: Key) -> list[Piece]:
    """What a reader at `key` has seen."""
    seen: list[Piece] = []
    for piece in pieces:
        if piece.key <= key:
            seen.append(piece)
        elif piece.kind == "text" and piece.key[:2] == key[:2] and piece.start < key[2]:
            seen.append(replace(piece, key=key, text=piece.text[: key[2] - piece.start]))
    return seen


@dataclass(slots=True)
class View:
    """What a customer sees: the stored events, and the text of the answer that runs."""

    stored: list[Any]
    running: tuple[str, int] | None = None
    text: str = ""

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "View":
        view = cls([])
        for piece in pieces:
            view.take(piece)
        return view

    def take(self, piece: Piece) -> None:
        if piece.kind == "text":
            assert self.running is not None, f"text at {piece.key} belongs to no answer"
            assert piece.key[1] == self.running[1], f"text at {piece.key} is of another attempt than {self.running}"
            assert piece.start == len(self.text), f"text at {piece.key} begins at {piece.start}, seen are {len(self.text)} characters"
            self.text += piece.text
            return
        if piece.kind == "stored":
            self.stored.append(piece.content)
        if piece.content["type"] == "started":
            self.running, self.text = (piece.content["turn_id"], piece.content["attempt"]), ""
        elif piece.kind == "stored" and piece.content["type"] in ENDS and self.running and piece.content["turn_id"] == self.running[0]:
            if piece.content["type"] == "complete":
                assert piece.content["message"].startswith(self.text), "the answer is not the text that was shown"
            self.running, self.text = None, ""
