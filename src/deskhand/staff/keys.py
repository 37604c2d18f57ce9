"""The keys of programs: each with the rights it was given, until it is revoked. A key belongs to the installation, not to who made it."""

from collections.abc import Sequence

from deskhand.ids import StaffId
from deskhand.persistence import Transaction
from deskhand.roles import Role, Scope
from deskhand.staff import key_repository as repository
from deskhand.staff.errors import KeyNotFound
from deskhand.staff.model import Actor, ApiKey, Caller
from deskhand.staff.parts import Parts
from deskhand.tokens import hash_token, new_staff_key

_HINT_CHARACTERS = 4


class Keys:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, name: str, scopes: Sequence[Scope], *, by: Actor) -> tuple[ApiKey, str]:
        """A new key: what is known of it, and itself, which is shown this once."""
        secret = new_staff_key()

        def insert(tx: Transaction) -> ApiKey:
            key = repository.insert_key(
                tx, name=name, key_hash=hash_token(secret), hint=secret[-_HINT_CHARACTERS:], scopes=scopes, created_by=by.name
            )
            self._parts.audit.record(tx, by, "key.create", target=key.id, details={"name": name, "scopes": sorted(scopes)})
            return key

        return await self._parts.database.write(insert), secret

    async def list(self) -> Sequence[ApiKey]:
        """All of them, the newest first, with those that were revoked."""
        return await self._parts.database.read(repository.list_keys)

    async def revoke(self, key_id: str, *, by: Actor) -> ApiKey:
        """Raises KeyNotFound: there is none, or it was revoked before."""

        def revoke(tx: Transaction) -> ApiKey:
            key = repository.revoke_key(tx, key_id)
            if key is None:
                raise KeyNotFound
            self._parts.tell_revoked(tx, key.id)
            self._parts.audit.record(tx, by, "key.revoke", target=key.id, details={"name": key.name})
            return key

        return await self._parts.database.write(revoke)

    async def authenticate(self, secret: str) -> Caller | None:
        """Whose key this is; None when nobody's (any more)."""
        key_hash = hash_token(secret)
        found = await self._parts.database.read(lambda connection: repository.find_key(connection, key_hash))
        if found is None:
            return None
        key, should_note = found
        if should_note:
            await self._parts.database.write(lambda tx: repository.note_used(tx, key.id), durable=False)
        role = Role.ADMIN if Scope.STAFF in key.scopes else Role.OPERATOR
        return Caller(StaffId(key.id), key.name, role, frozenset(key.scopes))
