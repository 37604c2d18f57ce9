"""Real servers, real clients and what is broken between them: the ground of the chaos tests.

What there is: `deskhand serve` in processes of its own (one on SQLite, two on one PostgreSQL; `instances`), a model server in another,
customers over REST, server-sent events and the WebSocket who send again and resume on whichever server answers (`customers`), and four
kinds of fault: a kill, a freeze, a lost response, a named failpoint. `bugs` are sown to prove that the tests can fail.

The invariant: a test judges only what the database holds, what the customers were told and saw (`view`), and what the tools did out there;
never what a server says of itself.

`DESKHAND_CHAOS=full` runs the sizes of a night, `DESKHAND_CHAOS_SEED` repeats the choices of a run.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa

from chaos.customers import Crowd, Customer, Loss
from chaos.instances import WITH_BUG, WITH_EFFECTS, Instance, ModelProcess
from chaos.view import check_view
from deskhand.persistence import Database
from turns.history import History, check_history, read_history

IS_FULL = os.environ.get("DESKHAND_CHAOS") == "full"
SEED = int(os.environ.get("DESKHAND_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
# Short, so that a turn is taken over while the test waits; tests that need no takeover have the default.
SHORT_LEASE_SECONDS = 2.0
DEFAULT_LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 5
END_SECONDS = 30.0
SEEN_SECONDS = 10.0
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Model:
    """How the default answer comes: so many tokens, the first after `first_ms`, the others `every_ms` apart."""

    tokens: int = 15
    first_ms: int = 100
    every_ms: int = 60


@dataclass(slots=True)
class Verdict:
    """What came of a run. `wrong` is empty when every promise held."""

    wrong: list[str]
    acknowledged: int
    attempts: int
    ended: Counter[str]
    effects: int
    seconds_to_end: float
    connections: int
    longest_interruptions: int

    def __str__(self) -> str:
        return (
            f"seed {SEED}: {self.acknowledged} acknowledged in {self.attempts} sends, turns {dict(self.ended)}, at most"
            f" {self.longest_interruptions} attempts, {self.effects} effects, {self.connections} connections of readers,"
            f" all ended {self.seconds_to_end:.1f} s after the last fault; wrong: {len(self.wrong)}"
        )

    def assert_nothing_wrong(self) -> None:
        print(self)
        assert not self.wrong, f"{self}\n" + "\n".join(self.wrong[:_SHOWN])
        assert self.seconds_to_end <= END_SECONDS, str(self)


def mixed_talk(chance: random.Random, name: str) -> str:
    """Something to say: mostly a question; now and then something that has an effect out there."""
    kind = chance.random()
    if kind < 0.15:
        return f'{name} [model: tool name=pay_back arguments={{"order":"{name}"}}]'
    if kind < 0.3:
        return f'{name} [model: tool name=book arguments={{"order":"{name}"}}]'
    return name


@dataclass(slots=True)
class Desk:
    """The servers, and everybody who talks to them."""

    instances: list[Instance]
    crowd: Crowd
    chance: random.Random
    database_url: str
    effects: Path
    lease_seconds: float
    last_fault_at: float = field(default_factory=time.monotonic)

    def fault_ended(self) -> None:
        self.last_fault_at = time.monotonic()

    async def count_running(self) -> int:
        """Turns that a worker holds now."""
        database = await Database.open(self.database_url)
        try:
            running = sa.text("SELECT count(*) FROM turn WHERE state IN ('running', 'streaming')")
            return await database.read(lambda connection: int(connection.execute(running).scalar_one()))
        finally:
            await database.close()

    async def judge(self, *, end_seconds: float = END_SECONDS, seen_seconds: float = SEEN_SECONDS) -> Verdict:
        """Let everything come to its end, then compare what is stored with what was promised, seen and done.

        All instances must serve.
        """
        self.crowd.stop_talking()
        self.crowd.check()
        database = await Database.open(self.database_url)
        try:
            wrong = await self._wait_for_ends(database, end_seconds)
            took = time.monotonic() - self.last_fault_at
            self.crowd.check()
            known = [customer for customer in self.crowd.everybody if customer.session_id]
            read = {customer: await _read(database, customer.session_id) for customer in known}
            histories = {customer: history for customer, history in read.items() if history is not None}
            wrong += [f"{customer.session_id} S1: the session was opened and is lost" for customer in known if customer not in histories]
            wrong += await self._wait_for_readers(histories, seen_seconds)
            await self.crowd.close()
            calls = await database.read(
                lambda connection: connection.execute(sa.text("SELECT key, turn_id, name, state FROM tool_call")).all()
            )
        finally:
            await database.close()
        for customer, history in histories.items():
            found = [
                *_check_sent(customer, history),
                *check_history(history, max_attempts=MAX_ATTEMPTS),
                *check_view(customer.view, history),
            ]
            wrong += [f"{customer.session_id} {each}" for each in found]
        wrong += self._check_effects(list(histories.values()), calls)
        return self._verdict(list(histories.values()), wrong, took)

    def _verdict(self, histories: list[History], wrong: list[str], took: float) -> Verdict:
        turns = [turn for history in histories for turn in history.turns]
        return Verdict(
            wrong=wrong,
            acknowledged=sum(sent.acknowledged is not None for customer in self.crowd.everybody for sent in customer.sent),
            attempts=sum(customer.attempts for customer in self.crowd.everybody),
            ended=Counter(turn.error_code or turn.state for turn in turns),
            effects=len(self._effect_lines()),
            seconds_to_end=took,
            connections=sum(customer.connections for customer in self.crowd.everybody),
            longest_interruptions=max((turn.attempt for turn in turns), default=0),
        )

    async def _wait_for_ends(self, database: Database, seconds: float) -> list[str]:
        """Until no turn is open; the P5 that is broken otherwise."""
        open_turns = sa.text("SELECT session_id, id, state FROM turn WHERE ended_at IS NULL")
        while True:
            # Asked first: what is acknowledged while the turns are read is not among them.
            is_sending = self.crowd.is_sending
            rows = await database.read(lambda connection: connection.execute(open_turns).all())
            if not rows and not is_sending:
                return []
            if time.monotonic() - self.last_fault_at > seconds:
                return [f"{row.session_id} P5: {row.id} is {row.state} {seconds:g} s after the last fault" for row in rows]
            await asyncio.sleep(0.05)

    async def _wait_for_readers(self, histories: Mapping[Customer, History], seconds: float) -> list[str]:
        async def wait(customer: Customer, seq: int) -> str | None:
            try:
                async with asyncio.timeout(seconds):
                    await customer.wait_until_seen(seq)
            except TimeoutError:
                return f"{customer.session_id} L2: the reader stands at {customer.view.cursor} and not at {seq}, {seconds:g} s after"
            return None

        late = await asyncio.gather(*(wait(customer, history.last_seq) for customer, history in histories.items()))
        return [each for each in late if each is not None]

    def _effect_lines(self) -> list[tuple[str, str, str]]:
        if not self.effects.exists():
            return []
        lines = (line.split(" ") for line in self.effects.read_text(encoding="utf-8").splitlines())
        return [(tool, order, key) for tool, order, key in lines]

    def _check_effects(self, histories: list[History], calls: Any) -> list[str]:
        """S9: what cannot be told apart out there happened once; what can, under one key; and what is recorded as done, was done."""
        lines = self._effect_lines()
        keys: dict[str, set[str]] = {}
        for _, order, key in lines:
            keys.setdefault(order, set()).add(key)
        wrong = [f"S9: {order} was acted on under {len(several)} keys" for order, several in keys.items() if len(several) > 1]
        counts = Counter(order for tool, order, _ in lines if tool == "pay_back")
        wrong += [f"S9: {order} was paid back {count} times" for order, count in counts.items() if count > 1]
        done = {key for several in keys.values() for key in several}
        wrong += [
            f"S9: {call.name} {call.key} is recorded as done and was not" for call in calls if call.state == "done" and call.key not in done
        ]
        turns = {turn.id: turn for history in histories for turn in history.turns}
        for call in calls:
            turn = turns[call.turn_id]
            if call.state == "intent" or (call.state == "unknown" and turn.error_code != "needs_human"):
                wrong.append(f"P8: {call.name} of {call.turn_id} is {call.state}, and its turn {turn.state} ({turn.error_code})")
        return wrong


async def _read(database: Database, session_id: str) -> History | None:
    def read(connection: sa.Connection) -> History | None:
        return read_history(lambda sql, parameters: connection.execute(sa.text(sql), parameters).all(), session_id)

    return await database.read(read)


def _check_sent(customer: Customer, history: History) -> list[str]:
    """S1 and S2: each message that was sent is stored as often as it may be, and as it was promised."""
    wrong: list[str] = []
    stored = {message.client_message_id: message for message in history.messages if message.role == "customer"}
    contents = Counter(message.content for message in history.messages if message.role == "customer")
    for sent in customer.sent:
        if contents[sent.content] > 1:
            wrong.append(f"S2: {sent.client_message_id} is stored {contents[sent.content]} times")
        if sent.acknowledged is None:
            continue
        message = stored.get(sent.client_message_id)
        if message is None or message.content != sent.content:
            wrong.append(f"S1: {sent.client_message_id} was acknowledged and is lost")
        elif sent.acknowledged.message_id not in {None, message.id} or sent.acknowledged.turn_id != message.turn_id:
            wrong.append(f"S2: {sent.client_message_id} was acknowledged as {sent.acknowledged} and is {message}")
    if strange := set(contents) - {sent.content for sent in customer.sent}:
        wrong.append(f"S14: nobody said {sorted(strange)} here")
    return wrong


@asynccontextmanager
async def desk(
    folder: Path,
    *,
    database_url: str | None,
    model: Model,
    command: tuple[str, ...] = WITH_EFFECTS,
    bug: str | None = None,
    loss: Loss | None = None,
    lease_seconds: float = SHORT_LEASE_SECONDS,
    redis_url: str | None = None,
    checkout: Path | None = None,
) -> AsyncIterator[Desk]:
    """Servers, customers who say nothing yet, and whatever else a run needs.

    One instance on SQLite (in `folder` where `database_url` is None), else two on that PostgreSQL, with that Redis if there is one; all of
    them serve, with the code of `checkout` if there is one.
    """
    url = database_url or f"sqlite:///{folder / 'deskhand.db'}"
    effects = folder / "effects"
    chance = random.Random(SEED)
    server = ModelProcess(folder / "model", tokens=model.tokens, first_ms=model.first_ms, every_ms=model.every_ms)
    environment = {
        "DESKHAND_ENVIRONMENT": "testing",
        "DESKHAND_LOG_LEVEL": "WARNING",
        "DESKHAND_DATABASE_URL": url,
        "DESKHAND_MODEL": "openai:test",
        "DESKHAND_MODEL_BASE_URL": server.base_url,
        "DESKHAND_RATE_LIMIT_ENABLED": "false",
        "DESKHAND_EVIDENCE_GATE": "off",
        "DESKHAND_TURN_LEASE_SECONDS": str(lease_seconds),
        "DESKHAND_TURN_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
        "DESKHAND_DRAIN_SECONDS": "2",
    }
    if command is WITH_EFFECTS:
        environment |= {"CHAOS_EFFECTS": str(effects), "DESKHAND_AGENT_TOOLS": "pay_back,book"}
    if redis_url is not None:
        # Counted in Redis as well, and never too many.
        environment |= {
            "DESKHAND_REDIS_URL": redis_url,
            "DESKHAND_RATE_LIMIT_ENABLED": "true",
            "DESKHAND_RATE_LIMIT_REQUESTS": "1000000",
        }
    if bug is not None:
        environment["CHAOS_BUG"] = bug
        command = WITH_BUG
    names = ["only"] if url.startswith("sqlite") else ["first", "second"]
    instances = [Instance(folder / name, command=command, environment=environment) for name in names]
    for instance in instances:
        instance.checkout = checkout
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        crowd = Crowd(http, [instance.base for instance in instances], chance, mixed_talk, loss=loss or Loss())
        try:
            server.wait_until_ready()
            await asyncio.gather(*(instance.start() for instance in instances))
            yield Desk(instances, crowd, chance, url, effects, lease_seconds)
        finally:
            await crowd.close()
            for instance in instances:
                await instance.close()
            server.close()
