"""The hub: what passes in a session while somebody watches. It is an accelerator; every loss in it is made good from the database."""

from deskhand.realtime.hub import Answer, Begins, Channel, Ends, Hub, Mark, Subscription

__all__ = ["Answer", "Begins", "Channel", "Ends", "Hub", "Mark", "Subscription"]
