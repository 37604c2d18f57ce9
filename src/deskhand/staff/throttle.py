"""How often somebody may try to sign in: pure policy, and the rows it is counted in.

The invariant: an attempt is counted before the password is looked at, so that a thousand at once are a thousand. Whoever has failed
`_FREE` times at an account waits 1 s, then 2, 4 … up to 15 minutes; an address has `_FREE_ADDRESS` failures before it does. A browser that
the person signed in with before is counted by itself: strangers who try the account do not lock its owner out of it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from deskhand.persistence import Transaction, db_now
from deskhand.staff.errors import TooManySignIns
from deskhand.staff.tables import attempts

_FREE = 5
_FREE_ADDRESS = 30
_LONGEST_WAIT_SECONDS = 900.0
_FORGOTTEN_SECONDS = 86_400.0
_MOST_DOUBLINGS = 12
_TOUCH = sa.text(
    "INSERT INTO staff_attempt (bucket, failures, blocked_until, forgotten_at) VALUES (:bucket, 0, 0, :forgotten_at) "
    "ON CONFLICT (bucket) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted, hashed, and how many failures are free."""

    name: str
    free: int


def buckets_of(email: str, *, address: str, known_browser: str | None) -> tuple[Bucket, Bucket]:
    """What an attempt counts for: the account (or the browser that is known for it), and the address it comes from."""
    first = _bucket("account", email) if known_browser is None else _bucket("browser", known_browser)
    return Bucket(first, _FREE), Bucket(_bucket("address", address), _FREE_ADDRESS)


def wait_after(failures: int, *, free: int) -> float:
    """Seconds until the next attempt, when the last `failures` failed."""
    if failures < free:
        return 0.0
    return min(_LONGEST_WAIT_SECONDS, 2.0 ** min(failures - free, _MOST_DOUBLINGS))


def begin_attempt(tx: Transaction, buckets: Sequence[Bucket]) -> None:
    """Count an attempt as failed until it is known better.

    Raises:
        TooManySignIns: it may not be made now, and was not counted.
    """
    now = tx.execute(sa.select(db_now())).scalar_one()
    tx.execute(sa.delete(attempts).where(attempts.c.forgotten_at < now))
    # In one order, so that no two wait for each other.
    ordered = sorted(buckets, key=lambda bucket: bucket.name)
    for bucket in ordered:
        tx.execute(_TOUCH, {"bucket": bucket.name, "forgotten_at": now + _FORGOTTEN_SECONDS})
    query = sa.select(attempts).where(attempts.c.bucket.in_([bucket.name for bucket in ordered]))
    rows = {row.bucket: row for row in tx.execute(query.order_by(attempts.c.bucket).with_for_update())}
    wait = max(row.blocked_until - now for row in rows.values())
    if wait > 0:
        raise TooManySignIns(retry_after_seconds=wait)
    for bucket in ordered:
        failures = rows[bucket.name].failures + 1
        blocked_until = now + wait_after(failures, free=bucket.free)
        tx.execute(
            sa.update(attempts)
            .where(attempts.c.bucket == bucket.name)
            .values(failures=failures, blocked_until=blocked_until, forgotten_at=now + _FORGOTTEN_SECONDS)
        )


def take_back(tx: Transaction, buckets: Sequence[Bucket]) -> None:
    """The attempt was neither wrong nor the end of it: as if it had not been made."""
    names = [bucket.name for bucket in buckets]
    tx.execute(
        sa.update(attempts)
        .where(attempts.c.bucket.in_(names), attempts.c.failures > 0)
        .values(failures=attempts.c.failures - 1, blocked_until=0.0)
    )


def succeed(tx: Transaction, buckets: Sequence[Bucket]) -> None:
    """The person signed in: their account or browser starts anew, the address is given this attempt back."""
    account, address = buckets
    tx.execute(sa.delete(attempts).where(attempts.c.bucket == account.name))
    take_back(tx, [address])


def _bucket(kind: str, value: str) -> str:
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:48]}"
