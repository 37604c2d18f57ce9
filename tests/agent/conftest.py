"""A real agent on a real database and a real knowledge base, with a scripted model and a journal that a test can read."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.options import AgentOptions
from deskhand.agent.run import Answered, Begun, CustomerMessage, Replayed, Run, RunEvent, TextProduced, ToolCallKey
from deskhand.ids import AttachmentId, SessionId, TurnId, UserId, new_message_id
from deskhand.knowledge import Embedder, KnowledgeOptions, KnowledgeService
from deskhand.memory import MemoryService
from deskhand.models.port import ChatModel
from deskhand.persistence import Database, Transaction, metadata
from deskhand.session_store import InMemorySessionStore, SessionStore
from deskhand.sessions import Author, Message, MessageStatus, SessionService, repository
from deskhand.sessions.log import open_log
from parts.vectors import RememberingEmbedder


@dataclass(slots=True)
class ReadableJournal:
    """Keeps what a turn's journal keeps, across the attempts of a test."""

    kept: dict[ToolCallKey, Replayed] = field(default_factory=dict)
    begun: list[tuple[ToolCallKey, dict[str, Any]]] = field(default_factory=list)
    open: dict[str, ToolCallKey] = field(default_factory=dict)

    async def begin(self, key: ToolCallKey, *, arguments: dict[str, Any], idempotent: bool) -> Replayed | Begun:
        assert isinstance(idempotent, bool)
        if key in self.kept:
            return self.kept[key]
        self.begun.append((key, arguments))
        name = f"{key.step}.{key.index}.{key.name}"
        self.open[name] = key
        return Begun(idempotency_key=name)

    async def finish(self, begun: Begun, *, result: dict[str, Any], failed: bool) -> None:
        self.kept[self.open.pop(begun.idempotency_key)] = Replayed(result=result, failed=failed)


@dataclass(slots=True)
class Desk:
    """What a test of the agent holds in its hands."""

    database: Database
    sessions: SessionService
    knowledge: KnowledgeService
    memory: MemoryService
    store: SessionStore
    turns: int = 0

    def agent(self, model: ChatModel, **options: Any) -> CustomerSupportAgent:
        return CustomerSupportAgent(
            model=model,
            session_store=self.store,
            sessions=self.sessions,
            knowledge=self.knowledge,
            memory=self.memory,
            options=AgentOptions(**options),
        )

    async def open_session(self, *, user_id: str | None = None) -> SessionId:
        return (await self.sessions.open_session(user_id=user_id, metadata={})).session.id

    def new_turn(self) -> TurnId:
        self.turns += 1
        return TurnId(f"turn_{self.turns:04}")

    async def say(
        self,
        session_id: SessionId,
        content: str,
        *,
        turn_id: TurnId | None,
        role: Author = Author.CUSTOMER,
        metadata: dict[str, Any] | None = None,
        status: MessageStatus = MessageStatus.COMPLETE,
    ) -> Message:
        """Write one message into the transcript, as the turn engine does."""

        def write(tx: Transaction) -> Message:
            with open_log(tx, session_id) as log:
                event = log.append("acknowledged", {}, turn_id=turn_id)
                message = Message(
                    id=new_message_id(),
                    session_id=session_id,
                    seq=event.seq,
                    role=role,
                    content=content,
                    status=status,
                    client_message_id=None,
                    turn_id=turn_id,
                    data={"metadata": metadata} if metadata is not None else {},
                    created_at=log.now,
                )
            repository.insert_message(tx, message, body_hash=None)
            return message

        return await self.database.write(write)

    async def take_turn(
        self,
        agent: CustomerSupportAgent,
        session_id: SessionId,
        *texts: str,
        user_id: str | None = None,
        attachments: Sequence[str] = (),
        journal: ReadableJournal | None = None,
        seconds_left: float = 20.0,
        keep: bool = True,
    ) -> "Taken":
        """One whole turn: the customer's messages, the run, the answer in the transcript, the context brought up to date."""
        turn_id = self.new_turn()
        messages = [await self.say(session_id, text, turn_id=turn_id) for text in texts]
        journal = journal or ReadableJournal()
        run = Run(
            session_id=session_id,
            user_id=UserId(user_id) if user_id else None,
            turn_id=turn_id,
            attempt=1,
            messages=[
                CustomerMessage(
                    message.id, message.content, tuple(AttachmentId(name) for name in attachments) if message is messages[-1] else ()
                )
                for message in messages
            ],
            journal=journal,
            seconds_left=seconds_left,
        )
        events = [event async for event in agent.answer(run)]
        answered = events[-1]
        assert isinstance(answered, Answered)
        if keep:
            kept = await self.say(session_id, answered.text, turn_id=turn_id, role=Author.ASSISTANT, metadata=answered.metadata)
            await agent.record_turn(session_id, messages=messages, answered=answered, answer_seq=kept.seq)
        return Taken(answered, events, journal, messages)


@dataclass(frozen=True, slots=True)
class Taken:
    answered: Answered
    events: list[RunEvent]
    journal: ReadableJournal
    messages: list[Message]

    @property
    def streamed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextProduced))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path / 'deskhand.db'}")
    await opened.write(lambda tx: metadata.create_all(tx.connection))
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return RememberingEmbedder(threads=1)


@pytest.fixture
async def desk(database: Database, embedder: Embedder) -> AsyncIterator[Desk]:
    knowledge = KnowledgeService(database, embedder, KnowledgeOptions())
    yield Desk(database, SessionService(database), knowledge, MemoryService(database), InMemorySessionStore())
    await knowledge.close()
