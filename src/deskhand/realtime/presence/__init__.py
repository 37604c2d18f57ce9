"""Who is there now: a small set of names in each group, each of which goes by itself unless it is renewed."""

from deskhand.realtime.presence.in_memory import InMemoryPresence
from deskhand.realtime.presence.port import Presence

__all__ = ["InMemoryPresence", "Presence"]
