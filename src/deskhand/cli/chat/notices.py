"""What reaches a terminal from a session: its events, and what becomes of the connection and of what was sent."""

from dataclasses import dataclass

from deskhand.turns.events import SessionEvent


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """It is being made again; nothing is lost."""


@dataclass(frozen=True, slots=True)
class ConnectionRestored:
    pass


@dataclass(frozen=True, slots=True)
class NotSent:
    """The server did not take a message."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SessionGone:
    """The session was deleted, or the server is another one: nothing more comes."""

    message: str


Notice = SessionEvent | ConnectionLost | ConnectionRestored | NotSent | SessionGone
