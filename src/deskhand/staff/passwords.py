"""Passwords: Argon2id in threads, few at a time.

The invariant: at most `_AT_ONCE` hashes are computed at the same moment, so that they never take more than 40 MiB together, and an unknown
account costs the same time as a wrong password.
"""

import asyncio
import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from deskhand.staff.errors import PasswordRefused, SignInBusy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

_AT_ONCE = 2
_MOST_WAITING = 64
_SHORTEST = 12
_LONGEST = 256
_FEWEST_DIFFERENT = 5
# OWASP's second choice of parameters for Argon2id: 20 to 50 ms each, and little memory.
_MEMORY_KIB = 19_456
_ROUNDS = 2
_LANES = 1
# No vowels and nothing that looks like something else: nobody reads a word into it, or a 0 for an O.
_ALPHABET = "bcdfghjkmnpqrstvwxz23456789"


class Passwords:
    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is stored of it. Raises SignInBusy."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password behind `stored`; `None` takes as long, and is never right.

        Raises:
            SignInBusy: too many wait for the same.
        """
        return await self._run(lambda: self._verify(stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise SignInBusy(retry_after_seconds=2)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1

    def _verify(self, stored: str | None, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415 - see `_hasher`

        try:
            _ = self._hasher.verify(stored or self._nobodys, password)
        except VerifyMismatchError:
            return False
        return stored is not None

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher  # noqa: PLC0415 - takes 40 ms that most starts do without

        return PasswordHasher(time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=_LANES)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))


def check_password(password: str, *, email: str) -> None:
    """Raises PasswordRefused: it is too short, too long, or too easy to guess for whoever knows the address."""
    if len(password) < _SHORTEST:
        raise PasswordRefused(f"A password has at least {_SHORTEST} characters.")
    if len(password) > _LONGEST:
        raise PasswordRefused(f"A password has at most {_LONGEST} characters.")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise PasswordRefused("A password has more than a few different characters.")
    local = email.partition("@")[0]
    if password.casefold() == email or (len(local) >= _FEWEST_DIFFERENT and local in password.casefold()):
        raise PasswordRefused("A password does not hold the e-mail address.")


def make_password() -> str:
    """One that can be read aloud and typed: 20 characters in groups of five, 95 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
