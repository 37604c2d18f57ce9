"""Tokens and keys that whoever holds them is known by: how each is made, and what is stored of it.

The invariant: each has 256 random bits and is shown once; only its hash is kept.
"""

import hashlib
import secrets


def new_visitor_token() -> str:
    """What a visitor shows for one session."""
    return f"vt_{secrets.token_urlsafe(32)}"


def new_staff_token() -> str:
    """What the browser of somebody who works here shows."""
    return f"st_{secrets.token_urlsafe(32)}"


def new_staff_key() -> str:
    """What a program shows."""
    return f"dsk_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> str:
    """What is stored of any of them: so many random bits cannot be searched, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
