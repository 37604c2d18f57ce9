"""The audit log: what people and programs of the company did, each entry coded with the one before it.

The invariant: an entry is written in the transaction that does what it tells of, once. Entries are numbered without a gap; each carries an
HMAC of itself and of its predecessor's, and one more row says, coded too, how many there are. So whoever changes, adds, moves or takes out
an entry without the installation's key is found out. Somebody who kept an old copy of that last row can still cut the log back to it;
`deskhand staff audit --verify` prints number and code of the newest entry, to be kept elsewhere.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from deskhand.ids import StaffId
from deskhand.persistence import Transaction, db_now, hold_moment, serialise
from deskhand.staff.keyring import Keyring, MacKey
from deskhand.staff.model import Actor, AuditEntry
from deskhand.staff.tables import audit_entries, audit_heads

_HEAD = 1
_START = "0" * 64
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """`problem` is None for a log that is whole; then `seq` and `mac` are its newest entry's. Else `seq` is where it is not."""

    seq: int
    mac: str
    problem: str | None = None


class AuditLog:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def record(self, tx: Transaction, actor: Actor, action: str, *, target: str = "", details: Mapping[str, Any] | None = None) -> None:
        """Write down, in the open transaction and as the last thing it does, what it did. `details` is JSON and holds no secret and no
        words of a customer. On PostgreSQL others wait from here on, so that entries have an order."""
        seq, previous = self._lock_head(tx)
        at_ms = int(tx.execute(sa.select(db_now())).scalar_one() * 1000)
        key = self._keyring.audit
        entry = AuditEntry(seq + 1, at_ms, actor, action, target, dict(details or {}))
        text = msgspec.json.encode(entry.details, order="deterministic").decode()
        mac = _mac_of(key, previous, entry, details=text)
        tx.execute(
            sa.insert(audit_entries).values(
                seq=entry.seq,
                at_ms=at_ms,
                actor_id=actor.id,
                actor_name=actor.name,
                action=action,
                target=target,
                details=text,
                key_id=key.id,
                mac=mac,
            )
        )
        tx.execute(
            sa.update(audit_heads)
            .where(audit_heads.c.id == _HEAD)
            .values(seq=entry.seq, mac=mac, key_id=key.id, head_mac=_head_mac(key, entry.seq, mac))
        )

    def _lock_head(self, tx: Transaction) -> tuple[int, str]:
        """How long the log is, and the code of its newest entry; nobody else adds one until this transaction ends."""
        # Not the row alone: the first two writers of all find none to lock.
        serialise(tx, _LOCK)
        head = tx.execute(sa.select(audit_heads.c.seq, audit_heads.c.mac).where(audit_heads.c.id == _HEAD)).one_or_none()
        if head is not None:
            return head.seq, head.mac
        tx.execute(sa.insert(audit_heads).values(id=_HEAD, seq=0, mac=_START, key_id="", head_mac=""))
        return 0, _START

    def verify(self, connection: sa.Connection) -> AuditFinding:
        """Read the whole log and say whether it is as it was written; the first thing that a read does."""
        # Else an entry that is added between the last page and the head passes for one that was tampered with.
        hold_moment(connection)
        previous, seq = _START, 0
        while rows := connection.execute(
            sa.select(audit_entries).where(audit_entries.c.seq > seq).order_by(audit_entries.c.seq).limit(_PAGE)
        ).all():
            for row in rows:
                if row.seq != seq + 1:
                    return AuditFinding(seq + 1, previous, "an entry is missing")
                key = self._keyring.find_audit(row.key_id)
                if key is None:
                    return AuditFinding(row.seq, row.mac, "it was coded with a key that is not known here")
                try:
                    expected = _mac_of(key, previous, _to_entry(row), details=row.details)
                except msgspec.DecodeError:
                    return AuditFinding(row.seq, row.mac, "the entry was changed")
                if not hmac.compare_digest(expected, row.mac):
                    return AuditFinding(row.seq, row.mac, "the entry, or the one before it, was changed")
                previous, seq = row.mac, row.seq
        return self._verify_head(connection, seq, previous)

    def _verify_head(self, connection: sa.Connection, seq: int, mac: str) -> AuditFinding:
        heads = connection.execute(sa.select(audit_heads)).all()
        if not heads and seq == 0:
            return AuditFinding(0, mac)
        if len(heads) != 1 or (heads[0].id, heads[0].seq, heads[0].mac) != (_HEAD, seq, mac):
            return AuditFinding(seq, mac, "entries are missing at the end, or were added")
        key = self._keyring.find_audit(heads[0].key_id)
        if key is None or not hmac.compare_digest(_head_mac(key, seq, mac), heads[0].head_mac):
            return AuditFinding(seq, mac, "what says how long the log is was changed")
        return AuditFinding(seq, mac)


def list_entries(connection: sa.Connection, *, before: int | None, actor: str | None, action: str | None, limit: int) -> list[AuditEntry]:
    """The newest entries first, those before the number `before`."""
    query = sa.select(audit_entries).order_by(audit_entries.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_entries.c.seq < before)
    if actor is not None:
        query = query.where(audit_entries.c.actor_id == actor)
    if action is not None:
        query = query.where(audit_entries.c.action == action)
    return [_to_entry(row) for row in connection.execute(query)]


def _to_entry(row: Any) -> AuditEntry:
    actor = Actor(StaffId(row.actor_id), row.actor_name)
    return AuditEntry(row.seq, row.at_ms, actor, row.action, row.target, msgspec.json.decode(row.details))


def _mac_of(key: MacKey, previous: str, entry: AuditEntry, *, details: str) -> str:
    # As a JSON array, so that no text of one field can pass for the beginning of the next.
    fields = (previous, entry.seq, entry.at_ms, entry.actor.id, entry.actor.name, entry.action, entry.target, details, key.id)
    return key.mac(msgspec.json.encode(fields))


def _head_mac(key: MacKey, seq: int, mac: str) -> str:
    return key.mac(msgspec.json.encode(("head", seq, mac)))


_LOCK = 0x4175646974204C6F
