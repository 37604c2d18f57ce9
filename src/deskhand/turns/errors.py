"""How work on a turn may be stopped from outside of the agent."""

from deskhand.errors import DeskhandError, PartDown


class FenceLost(DeskhandError):
    """Another took the turn over, or it was ended; whoever held it before must stop and write nothing more."""

    code = "fence_lost"
    status = 409


class TurnInterrupted(PartDown):
    """The server is stopping. The message is stored and will be answered; read the session's events for the answer."""

    code = "turn_interrupted"
    support = "Reconnect to the session's events with the last id you saw; there is no need to send the message again."
