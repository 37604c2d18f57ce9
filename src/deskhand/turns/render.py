"""From a row of the log to the event that readers get."""

from typing import Any, Final, cast, get_args

import msgspec

from deskhand.clock import to_iso
from deskhand.realtime import Begins, Codec, Ends
from deskhand.sessions import StoredEvent
from deskhand.turns.events import Cancelled, Complete, Failed, SessionEvent, Started

# By its class: of a union, `msgspec.convert` finds out anew at each call what it is made of.
_EVENTS: Final = {kind.__struct_config__.tag: kind for kind in get_args(SessionEvent)}


def to_event(stored: StoredEvent) -> SessionEvent:
    fields = {**stored.data, "id": str(stored.seq), "type": stored.type, "timestamp": to_iso(stored.created_at)}
    return cast("SessionEvent", msgspec.convert(fields, _EVENTS[stored.type]))


def show_event(stored: StoredEvent) -> dict[str, Any]:
    """The event as JSON has it."""
    shown: dict[str, Any] = msgspec.to_builtins(to_event(stored))
    return shown


def classify(event: SessionEvent) -> Begins | Ends | None:
    """What the event means for the answer that runs."""
    if isinstance(event, Started):
        return Begins(event.turn_id, event.attempt)
    if isinstance(event, Complete | Failed | Cancelled):
        return Ends(event.turn_id)
    return None


_decoder: Final = msgspec.json.Decoder(SessionEvent)


def _decode(encoded: bytes) -> SessionEvent:
    try:
        return cast("SessionEvent", _decoder.decode(encoded))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError("no event") from error


CODEC: Final[Codec[SessionEvent]] = Codec(encode=msgspec.json.encode, decode=_decode)
