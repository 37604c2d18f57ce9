"""A reader's place in a session, which is what an event id says. See `events` for the forms."""

import re
from dataclasses import dataclass, replace

_FORM = re.compile(r"(\d{1,18})(?:\.(\d{1,9})\.(\d{1,12})(?:\.(\d{1,9}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to stored event `seq` was seen and, if `attempt` is set, that attempt's text up to `offset` and its notes up to `note`.

    `note` None with an attempt: of the notes that stand at `offset`, none was seen; all before it were.
    """

    seq: int
    attempt: int | None = None
    offset: int = 0
    note: int | None = None

    @classmethod
    def parse(cls, event_id: str) -> "Position | None":
        """The position an id stands for; `None` when it is not an id. The empty id is the beginning."""
        if not event_id:
            return cls(0)
        if (match := _FORM.fullmatch(event_id)) is None:
            return None
        seq, attempt, offset, note = match.groups()
        return cls(int(seq), int(attempt) if attempt else None, int(offset or 0), int(note) if note else None)

    def __str__(self) -> str:
        if self.attempt is None:
            return str(self.seq)
        text = f"{self.seq}.{self.attempt}.{self.offset}"
        return text if self.note is None else f"{text}.{self.note}"

    def at_text(self, offset: int) -> "Position":
        return replace(self, offset=offset, note=None)

    def at_note(self, number: int) -> "Position":
        return replace(self, note=number)
