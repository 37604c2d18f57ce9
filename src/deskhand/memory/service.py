"""Remember, recall and forget facts about a signed customer.

The invariant: a fact is only ever read or deleted together with the `user_id` it belongs to, which comes from the session.
"""

from deskhand.errors import Malformed
from deskhand.ids import FactId, SessionId, UserId
from deskhand.memory import repository
from deskhand.memory.fact import Fact
from deskhand.persistence import Database, Transaction
from deskhand.words import content_stems

LONGEST_FACT_CHARACTERS = 500
MOST_FACTS = 200


class MemoryService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, user_id: UserId, text: str, *, key: str, session_id: SessionId | None = None) -> Fact:
        """Keep a fact. The same `key`, or the same words, are kept once. The oldest fact goes when there are more than 200.

        Raises:
            Malformed: nothing to keep, or more than 500 characters.
        """
        fact_text = " ".join(text.replace("\x00", " ").split())
        if not 0 < len(fact_text) <= LONGEST_FACT_CHARACTERS:
            raise Malformed(f"A fact has 1 to {LONGEST_FACT_CHARACTERS} characters.")

        def store(transaction: Transaction) -> Fact:
            fact = repository.insert_fact(transaction, user_id=user_id, session_id=session_id, key=key, text=fact_text)
            repository.delete_oldest_facts(transaction, user_id, keep=MOST_FACTS)
            return fact

        return await self._database.write(store)

    async def recall(self, user_id: UserId, query: str | None = None, *, limit: int = 20) -> list[Fact]:
        """At most `limit` facts: the newest first; with a `query` those that share a word with it, most shared words first."""
        if query is None:
            return await self._database.read(lambda connection: repository.list_facts(connection, user_id, limit=limit))
        found = await self._database.read(lambda connection: repository.list_facts(connection, user_id, limit=MOST_FACTS))
        wanted = set(content_stems(query))
        shared = [(len(wanted.intersection(content_stems(fact.text))), fact) for fact in found]
        matching = sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])
        return [fact for _, fact in matching[:limit]]

    async def forget(self, user_id: UserId, fact_id: FactId | None = None) -> int:
        """Forget one fact, or with None everything about the customer. Returns how many there were."""
        if fact_id is None:
            return await self._database.write(lambda transaction: repository.delete_facts(transaction, user_id))
        return await self._database.write(lambda transaction: repository.delete_fact(transaction, user_id, fact_id))
