"""A whole turn engine on a real database: the real service, agent and store, with a scripted model at the model port.

Several desks on one database are several server processes, as far as the database can tell.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.options import AgentOptions
from deskhand.agent.registry import AnyTool, Tool, ToolDeps
from deskhand.clock import Clock, SystemClock
from deskhand.knowledge import KnowledgeService
from deskhand.memory import MemoryService
from deskhand.persistence import Database
from deskhand.persistence.migrations import migrate
from deskhand.realtime import Bus
from deskhand.session_store import InMemorySessionStore
from deskhand.sessions import SessionService, Turn, turn_repository
from deskhand.sessions.tables import turns
from deskhand.settings import Settings
from deskhand.telemetry import Metrics
from deskhand.testing.scripted_model import ScriptedModel
from deskhand.turns import Accepted, TurnRules, TurnService
from deskhand.turns.events import SessionEvent
from turns.history import History, check_history, read_history

PATIENCE_SECONDS = 20.0
TERMINAL = ("complete", "error", "cancelled")


@dataclass(slots=True)
class HeldClock:
    """Stands still until the test moves it. Held by a server and by its SQLite database; PostgreSQL keeps its own time."""

    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass(slots=True)
class Desk:
    database: Database
    model: ScriptedModel
    turns: TurnService
    sessions: SessionService
    agent: CustomerSupportAgent
    metrics: Metrics

    async def open_session(self) -> str:
        return (await self.sessions.open_session(user_id=None, metadata={})).session.id

    async def say(self, session_id: str, content: str, *, client_message_id: str | None = None) -> Accepted:
        return await self.turns.accept(session_id, content=content, client_message_id=client_message_id)

    async def ask(self, session_id: str, content: str) -> SessionEvent:
        """Say something and wait for the turn's end."""
        accepted = await self.say(session_id, content)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.turns.outcome(session_id, accepted)

    async def outcome(self, session_id: str, accepted: Accepted) -> SessionEvent:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.turns.outcome(session_id, accepted)

    async def history(self, session_id: str, *, max_attempts: int = 3) -> History:
        """All that is stored of the session, once it was checked that it is as it must be."""

        def read(connection: sa.Connection) -> History | None:
            if self.database.dialect == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return read_history(lambda sql, parameters: connection.execute(sa.text(sql), parameters).all(), session_id)

        history = await self.database.read(read)
        assert history is not None
        problems = check_history(history, max_attempts=max_attempts)
        assert not problems, "\n".join(problems)
        return history

    async def turn(self, turn_id: str | None) -> Turn:
        find = sa.select(turns).where(turns.c.id == turn_id)
        return turn_repository.to_turn(await self.database.read(lambda connection: connection.execute(find).one()))

    async def tool_calls(self) -> list[str]:
        """The states of all calls in the journal."""
        return await self.database.read(lambda connection: list(connection.execute(sa.text("SELECT state FROM tool_call")).scalars()))

    def faults(self) -> float:
        """How many background tasks failed."""
        return sum(
            sample.value for family in self.metrics.task_faults.collect() for sample in family.samples if sample.name.endswith("_total")
        )

    @contextlib.asynccontextmanager
    async def follow(self, session_id: str, *, after: str | None = "0") -> AsyncIterator["Follower"]:
        follower = Follower(self.turns, session_id, after=after)
        try:
            yield follower
        finally:
            await follower.close()


class Follower:
    """A reader of a session that notes all it gets."""

    def __init__(self, turns: TurnService, session_id: str, *, after: str | None) -> None:
        self.events: list[SessionEvent] = []
        self.ended = False
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._read(turns, session_id, after))

    async def _read(self, turns: TurnService, session_id: str, after: str | None) -> None:
        async with contextlib.aclosing(turns.stream_events(session_id, after=after)) as batches:
            async for batch in batches:
                self.events.extend(batch)
                async with self._changed:
                    self._changed.notify_all()
        self.ended = True
        async with self._changed:
            self._changed.notify_all()

    async def until(self, is_there: Callable[["Follower"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: is_there(self))

    async def until_type(self, kind: str, *, times: int = 1) -> SessionEvent:
        await self.until(lambda follower: follower.types().count(kind) >= times)
        return [event for event in self.events if type_of(event) == kind][times - 1]

    async def until_end(self) -> None:
        await self.until(lambda follower: follower.ended)

    def types(self) -> list[str]:
        return [type_of(event) for event in self.events]

    def text(self) -> str:
        return "".join(event.delta for event in self.events if type_of(event) == "text")

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def type_of(event: SessionEvent) -> str:
    return str(event.__struct_config__.tag)


@contextlib.asynccontextmanager
async def open_desk(
    url: str,
    *,
    model: ScriptedModel | None = None,
    clock: Clock | None = None,
    rules: TurnRules | None = None,
    tools: Sequence[AnyTool] = (),
    concurrency: int = 16,
    drain_seconds: float = 0.0,
    tool_seconds: float = PATIENCE_SECONDS,
    starts: bool = True,
    bus: Bus | None = None,
) -> AsyncIterator[Desk]:
    """A desk that works. With `starts=False` it works on what it accepts itself, and looks for nothing else."""
    clock = clock or SystemClock()
    database = await Database.open(url, clock=clock)
    await migrate(database)
    sessions = SessionService(database)
    knowledge = KnowledgeService.create(database, Settings(knowledge_samples=False))
    scripted = model or ScriptedModel()
    agent = CustomerSupportAgent(
        model=scripted,
        session_store=InMemorySessionStore(default_ttl=3600, max_sessions=100, clock=clock),
        sessions=sessions,
        knowledge=knowledge,
        memory=MemoryService(database),
        options=AgentOptions(tools=tuple(tool.name for tool in tools), tool_seconds=tool_seconds),
        tools=tools,
    )
    metrics = Metrics()
    turns = TurnService(
        database=database,
        agent=agent,
        rules=rules or TurnRules(),
        clock=clock,
        metrics=metrics,
        concurrency=concurrency,
        drain_seconds=drain_seconds,
        bus=bus,
    )
    if starts:
        await turns.start()
    try:
        yield Desk(database, scripted, turns, sessions, agent, metrics)
    finally:
        await turns.close()
        await agent.cleanup()
        await knowledge.close()
        await database.close()


class Nothing(msgspec.Struct, frozen=True):
    pass


@dataclass(slots=True)
class CountedTool:
    """A tool whose calls are counted under their idempotency keys, and held while `gate` is closed."""

    name: str
    idempotent: bool
    fails_with: Exception | None = None
    keys: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def tool(self) -> Tool[Nothing]:
        return Tool(name=self.name, description="A test's.", arguments=Nothing, call=self._call, idempotent=self.idempotent)

    async def _call(self, deps: ToolDeps, _arguments: Nothing) -> dict[str, Any]:
        self.keys.append(deps.idempotency_key)
        self.reached.set()
        await self.gate.wait()
        if self.fails_with is not None:
            raise self.fails_with
        return {"calls": len(self.keys)}


async def eventually(is_so: Callable[[], Any]) -> None:
    """Wait until the awaited `is_so()` is true: for what only the database can tell."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - nothing in this process knows when
            await asyncio.sleep(0.02)
