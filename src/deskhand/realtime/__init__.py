"""What passes in sessions while somebody watches, who is there, and notices to them; within a process and between processes.

It is an accelerator: every loss in it is made good from the database.
"""

from deskhand.realtime.bus import Bus
from deskhand.realtime.channel import Answer, Begins, Channel, Ends, Mark, Subscription
from deskhand.realtime.hub import Hub
from deskhand.realtime.notices import Hearing, Notices
from deskhand.realtime.presence import InMemoryPresence, Presence
from deskhand.realtime.relay import Codec, Relay

__all__ = [
    "Answer",
    "Begins",
    "Bus",
    "Channel",
    "Codec",
    "Ends",
    "Hearing",
    "Hub",
    "InMemoryPresence",
    "Mark",
    "Notices",
    "Presence",
    "Relay",
    "Subscription",
]
