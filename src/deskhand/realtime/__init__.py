"""The hub: what passes in a session while somebody watches. It is an accelerator; every loss in it is made good from the database."""

from deskhand.realtime.bus import Bus, LocalBus, LocalWire
from deskhand.realtime.channel import Answer, Begins, Channel, Ends, Mark, Subscription
from deskhand.realtime.hub import Hub
from deskhand.realtime.relay import Codec, Relay

__all__ = [
    "Answer",
    "Begins",
    "Bus",
    "Channel",
    "Codec",
    "Ends",
    "Hub",
    "LocalBus",
    "LocalWire",
    "Mark",
    "Relay",
    "Subscription",
]
