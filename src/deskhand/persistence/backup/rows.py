"""Rows as lines of text: a JSON array a row, the same whichever engine it came from.

Invariant: a value that was written and read again is the value, to the bit. JSON columns stay the text that they are in the database.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

_SUM_BITS = 256

Row = Sequence[Any]


class Kind(StrEnum):
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"
    BOOLEAN = "boolean"
    JSON = "json"
    BYTES = "bytes"


class Column(msgspec.Struct, frozen=True):
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are all that it has, in the order of the values of a row."""

    name: str
    columns: tuple[Column, ...]

    @property
    def is_heavy(self) -> bool:
        """Whether a row may be megabytes."""
        return any(column.kind is Kind.BYTES for column in self.columns)


@dataclass(slots=True)
class Tally:
    """How many rows there were, and what they add up to in whatever order they came."""

    rows: int = 0
    total: int = field(default=0, repr=False)

    def add(self, line: bytes) -> None:
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest())) % (1 << _SUM_BITS)

    @property
    def digest(self) -> str:
        """Hexadecimal: the sum of the lines' SHA-256, modulo 2^256."""
        return f"{self.total:064x}"


def kind_of(type_: sa.types.TypeEngine[Any]) -> Kind | None:
    """What a column of this type holds; None where it is nothing that Deskhand's own tables have."""
    match type_:
        case sa.JSON():
            return Kind.JSON
        case sa.Boolean():
            return Kind.BOOLEAN
        case sa.Integer():
            return Kind.INTEGER
        case sa.Float():
            return Kind.FLOAT
        case sa.LargeBinary():
            return Kind.BYTES
        case sa.String():
            return Kind.TEXT
        case _:
            return None


class LineCodec:
    """Rows of one table to lines and back. A line has no newline at its end."""

    def __init__(self, table: Table) -> None:
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(list[Any])
        self._width = len(table.columns)
        self._booleans = [place for place, column in enumerate(table.columns) if column.kind is Kind.BOOLEAN]
        self._bytes = [place for place, column in enumerate(table.columns) if column.kind is Kind.BYTES]

    def encode(self, row: Row) -> bytes:
        values = list(row)
        for place in self._booleans:
            # SQLite keeps them as 0 and 1.
            if values[place] is not None:
                values[place] = bool(values[place])
        return self._encoder.encode(values)

    def decode(self, line: bytes) -> list[Any]:
        """Raises ValueError: the line is no row of this table."""
        values = self._decoder.decode(line)
        if len(values) != self._width:
            raise ValueError(f"a row has {len(values)} values instead of {self._width}")
        for place in self._bytes:
            if values[place] is not None:
                values[place] = base64.b64decode(values[place], validate=True)
        return values
