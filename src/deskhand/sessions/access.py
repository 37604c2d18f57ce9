"""Who asks. A session can be had only through `SessionService.access_session`, with one of these."""

import hashlib
from dataclasses import dataclass

from deskhand.ids import SessionId


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Showed no token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Holds the token of one session, and may see that one alone."""

    session_id: SessionId


@dataclass(frozen=True, slots=True)
class Staff:
    """Works for the company; may see every session."""

    name: str


Principal = Anonymous | Visitor | Staff


def hash_token(token: str) -> str:
    """What is stored of a token. It has 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
