"""How a context is written in Redis: plain JSON with a schema version and, where there are keys, sealed as a whole.

    {"version":2,"stamp":"0f…","context":{"counters":{"seen":3},"session_id":…}}

The stamp is drawn anew at every write and stands at a fixed place, so that a script can compare it without reading the rest; in a sealed
value the nonce does that. The invariant: bytes that are not exactly this never become a context.
"""

import secrets
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from deskhand.sealing import NONCE_AT, SealBroken, Sealer
from deskhand.session_store.context import AgentContext

_HEAD = b'{"version":2,"stamp":"'
_STAMP_CHARACTERS = 16
_PLAIN_STAMP_AT = slice(len(_HEAD), len(_HEAD) + _STAMP_CHARACTERS)


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[2]
    stamp: Annotated[str, msgspec.Meta(min_length=_STAMP_CHARACTERS, max_length=_STAMP_CHARACTERS)]
    context: AgentContext


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)


@dataclass(frozen=True, slots=True)
class StoredForm:
    """Writes and reads values of one store. `place` is the key a value is kept under; a sealed value is good for no other."""

    sealer: Sealer | None = None

    @property
    def stamp_at(self) -> slice:
        """Where the stamp stands in a value."""
        return _PLAIN_STAMP_AT if self.sealer is None else NONCE_AT

    def stamp_of(self, value: bytes) -> bytes:
        """What stands where the stamp must be; cut short, or empty, in what we did not write."""
        return value[self.stamp_at]

    def write(self, context: AgentContext, *, place: str) -> bytes:
        plain = _encoder.encode(_Stored(version=2, stamp=new_stamp(), context=context))
        return plain if self.sealer is None else self.sealer.seal(plain, place=place)

    def read(self, value: bytes, *, place: str, session_id: str) -> AgentContext | None:
        """The context; None when this is not one, or that of another session."""
        try:
            plain = value if self.sealer is None else self.sealer.open(value, place=place)
            context = _decoder.decode(plain).context
        except (SealBroken, msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            return None
        return context if context.session_id == session_id else None


def new_stamp() -> str:
    return secrets.token_hex(_STAMP_CHARACTERS // 2)
