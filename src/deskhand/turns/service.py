"""The turn engine as `api` sees it: say something, follow what happens, stop it."""

import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import TypeVar, cast

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.clock import Clock
from deskhand.failpoints import Failpoint, reach
from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Alongside, Database, GatheredRead, Transaction, nothing_else
from deskhand.realtime import Bus, Channel, Ends, Hub, Relay
from deskhand.sessions import Session, SessionNotFound, SessionStatus, StoredEvent, repository, turn_repository
from deskhand.telemetry import Metrics, Supervisor
from deskhand.turns.desk import Desk
from deskhand.turns.errors import TurnInterrupted
from deskhand.turns.events import Cancelled, Complete, Failed, Handoff, ModeChanged, PersonMessage, Resync, SessionEvent
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import Accepted, TurnRules
from deskhand.turns.poller import Poller
from deskhand.turns.reader import Ground, Watch, read_session
from deskhand.turns.render import CODEC, classify, to_event
from deskhand.turns.standing import find_standings
from deskhand.turns.worker import TurnWorker

T = TypeVar("T")

_POLL_SHARED_SECONDS = 0.5
# While the other processes tell of what they do, looking is only for what was lost on the way.
_POLL_TOLD_SECONDS = 2.0
_POLL_ALONE_SECONDS = 2.0
_SECONDS_A_DAY = 86_400.0
_CLEANUP_BATCH = 500
_OF_NO_TURN = ModeChanged | Resync | PersonMessage | Handoff


def _tell_nobody(_session_id: SessionId, _happened: Sequence[str]) -> None:
    pass


class TurnService:
    def __init__(  # noqa: PLR0913 - what a server is made of, by name
        self,
        *,
        database: Database,
        agent: CustomerSupportAgent,
        rules: TurnRules,
        clock: Clock,
        metrics: Metrics,
        concurrency: int,
        drain_seconds: float,
        bus: Bus | None = None,
        tell: Callable[[SessionId, Sequence[str]], None] = _tell_nobody,
    ) -> None:
        """`bus`: to the other processes that serve this database; without one they are seen through the database alone. `tell` is called
        after something changed in a session, with the types of its new events, if there are any."""
        self._database = database
        self._agent = agent
        self._clock = clock
        self._drain_seconds = drain_seconds
        self._tell = tell
        self._supervisor = Supervisor(metrics)
        name = f"worker_{secrets.token_hex(8)}"
        self._relay = Relay(bus, worker=name, codec=CODEC, lagging=self._look_soon) if bus is not None else None
        self._hub: Hub[SessionEvent] = Hub(classify, relay=self._relay)
        self._lifecycle = TurnLifecycle(rules, publish=self._publish)
        self._desk = Desk(self._lifecycle)
        self._draining = False
        self._closed = False
        self._worker = TurnWorker(
            name=name,
            database=database,
            lifecycle=self._lifecycle,
            hub=self._hub,
            agent=agent,
            clock=clock,
            supervisor=self._supervisor,
            metrics=metrics,
            concurrency=concurrency,
        )
        has_peers = database.dialect == "postgresql"
        standings = GatheredRead(database, partial(find_standings, not_by=name if has_peers else None))
        self._ground = Ground(database, standings, clock, has_peers)
        self._poller = Poller(
            database=database,
            hub=self._hub,
            worker=name,
            find_interval=self._find_interval,
            want=self._relay.want if self._relay is not None else None,
        )

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def hears_others(self) -> bool | None:
        """Whether other processes tell this one what they do as they do it; None if none can. Otherwise it is seen in the database."""
        return self._relay.is_connected if self._relay is not None else None

    @property
    def running_count(self) -> int:
        return self._worker.running_count

    async def start(self, *, alone: bool = False) -> None:
        """Take up work. `alone`: no other process serves this database, so what an earlier one left is taken over at once."""
        if alone:
            await self._database.write(lambda tx: turn_repository.expire_leases_of_others(tx, worker=self._worker.name))
        self._worker.start()
        if self._relay is not None:
            self._relay.start()
        self._polling = self._supervisor.start(self._poller.run, name="event-poll", restart=True)

    async def drain(self) -> None:
        """Stop claiming, end every stream, give what runs some time to finish, then leave it to others. May be called twice."""
        if self._closed:
            return
        self.stop_streams()
        await self._worker.drain(seconds=self._drain_seconds)
        self._closed = True
        self._hub.wake_all()

    def stop_streams(self) -> None:
        """Stop claiming and end every stream where it stands: its reader knows its last id and comes back elsewhere."""
        self._draining = True
        self._hub.wake_all()

    async def close(self) -> None:
        await self.drain()
        if self._relay is not None:
            self._relay.close()
        await self._supervisor.close()

    async def accept(
        self, session_id: str, *, content: str, client_message_id: str | None = None, attachments: Sequence[str] = ()
    ) -> Accepted:
        """Store what the customer said; when this returns it is durable and will be answered.

        Raises:
            SessionNotFound, SessionEnded, AttachmentNotFound.
            MessageConflict: the same `client_message_id` came with another text.
            QueueFull: too many messages wait in this session.
        """

        known_id = SessionId(session_id)
        asked_at = self._clock.monotonic()

        def store(tx: Transaction, *, channel: Channel[SessionEvent], may_begin: bool) -> Accepted:
            accepted = self._lifecycle.accept(
                tx,
                session_id,
                content=content,
                client_message_id=client_message_id,
                attachment_ids=attachments,
                worker=self._worker.name if may_begin else None,
            )
            reach(Failpoint.ACCEPT_BEFORE_COMMIT)
            if not accepted.duplicate and not self._ground.has_peers:
                # Whoever follows the turn from here on need not ask the database where the session stands.
                tx.after_commit(lambda: channel.begin_at(accepted.seq - 1))
            if (claim := accepted.claim) is not None:
                reach(Failpoint.CLAIM_BEFORE_COMMIT)
                # Begun even if whoever sent the message has gone meanwhile.
                tx.after_commit(lambda: self._worker.begin(known_id, claim, asked_at=asked_at))
            return accepted

        with self._hub.write(session_id) as channel:
            async with self._worker.place(known_id) as may_begin:
                accepted = await self._database.write(partial(store, channel=channel, may_begin=may_begin))
            reach(Failpoint.ACCEPT_AFTER_COMMIT)
            if accepted.turn_id is not None and accepted.claim is None:
                self._worker.offer(known_id)
        return accepted

    async def outcome(self, session_id: str, accepted: Accepted) -> Complete | Failed | Cancelled:
        """Wait for the end of the turn that an accepted message belongs to.

        Raises:
            SessionNotFound: the session was deleted meanwhile.
            TurnInterrupted: this server is shutting down; the turn goes on elsewhere.
        """
        async with aclosing(self._read(session_id, after=str(accepted.seq), with_text=False, outlasts_drain=True)) as batches:
            async for batch in batches:
                for event in batch:
                    if _ends(event, accepted.turn_id):
                        return cast("Complete | Failed | Cancelled", event)
        if self._closed:
            raise TurnInterrupted(retry_after_seconds=1)
        raise SessionNotFound

    async def stream_turn(self, session_id: str, accepted: Accepted) -> AsyncGenerator[list[SessionEvent]]:
        """The events of one turn, from the acknowledgement of an accepted message to the turn's end; those together that are there at
        once."""
        async with aclosing(self._read(session_id, after=str(accepted.seq - 1))) as batches:
            async for batch in batches:
                mine: list[SessionEvent] = [
                    event for event in batch if not isinstance(event, _OF_NO_TURN) and event.turn_id == accepted.turn_id
                ]
                if mine:
                    yield mine
                if any(_ends(event, accepted.turn_id) for event in mine):
                    return

    def stream_events(self, session_id: str, *, after: str | None) -> AsyncGenerator[list[SessionEvent]]:
        """All events of a session after the id `after` (None: from now on), those together that are there at once. Ends when the session
        is deleted or the service drains."""
        return self._read(session_id, after=after)

    def watch(self, session_id: SessionId) -> Watch:
        """Keep at hand what passes in the session, for who may begin a stream of it more than once."""
        return Watch(session_id, hub=self._hub, ground=self._ground)

    async def last_event_id(self, session_id: str) -> str:
        """The id of the newest stored event; "0" when there is none yet."""
        standing = await self._ground.standings.ask(SessionId(session_id))
        if standing is None:
            raise SessionNotFound
        return str(standing.last_seq)

    async def cancel(self, session_id: str, *, reason: str = "cancelled_by_customer") -> TurnId | None:
        """Stop the answer that runs (or waits first); what was said of it is kept. None: nothing runs."""
        partials = self._worker.pause(SessionId(session_id))
        try:
            cancelled = await self._database.write(lambda tx: self._lifecycle.cancel(tx, session_id, reason=reason, partials=partials))
            if cancelled is not None:
                self._worker.stop(SessionId(session_id), turn_id=cancelled)
                self._worker.offer(SessionId(session_id))
        finally:
            self._worker.resume(SessionId(session_id))
        return cancelled

    async def change_status(self, session_id: str, status: SessionStatus, *, along: Alongside = nothing_else) -> Session:
        """Say who answers from here on. Leaving `active` stops the AI at once; ending frees the agent's state."""
        partials = self._worker.pause(SessionId(session_id))

        def change(tx: Transaction) -> Session:
            session = self._lifecycle.change_status(tx, session_id, status, partials=partials)
            along(tx)
            return session

        try:
            session = await self._database.write(change)
            if status is not SessionStatus.ACTIVE:
                self._worker.stop(SessionId(session_id))
        finally:
            self._worker.resume(SessionId(session_id))
        if status is SessionStatus.ENDED:
            await self._agent.cleanup_session(SessionId(session_id))
        return session

    async def act(self, session_id: str, work: Callable[[Desk, Transaction, dict[TurnId, str]], T]) -> T:
        """Let a person behind the desk do something, with the AI's running answer held meanwhile: what they take over, it loses.

        `work` is given the desk, the transaction, and the text of the running answer so far.

        Raises:
            Whatever `work` raises.
        """
        known_id = SessionId(session_id)
        partials = self._worker.pause(known_id)

        def run(tx: Transaction) -> tuple[T, SessionStatus]:
            result = work(self._desk, tx, partials)
            session = repository.find_session(tx.connection, session_id)
            return result, session.status if session is not None else SessionStatus.ENDED

        try:
            result, status = await self._database.write(run)
            if status is not SessionStatus.ACTIVE:
                self._worker.stop(known_id)
        finally:
            self._worker.resume(known_id)
        # What it changed may have been the ticket alone.
        self._tell(known_id, ())
        if status is SessionStatus.ENDED:
            await self._agent.cleanup_session(known_id)
        return result

    async def delete_session(self, session_id: str, *, along: Alongside = nothing_else) -> None:
        """Delete the session with all that belongs to it.

        Raises:
            SessionNotFound: there is no such session.
        """

        def delete(tx: Transaction) -> None:
            if not repository.delete_session(tx, SessionId(session_id)):
                raise SessionNotFound
            along(tx)

        await self._database.write(delete)
        self._worker.stop(SessionId(session_id))
        self._hub.delete_session(session_id)
        self._tell(SessionId(session_id), ())
        await self._agent.cleanup_session(SessionId(session_id))

    async def cleanup_sessions(self, *, days: int, along: Alongside = nothing_else) -> tuple[int, float]:
        """Delete the sessions that are not active and have been idle for longer; returns how many, and the dividing moment (epoch)."""
        deleted = 0
        while True:
            idle, cutoff = await self._database.read(
                lambda connection: repository.list_idle_sessions(connection, idle_seconds=days * _SECONDS_A_DAY, limit=_CLEANUP_BATCH)
            )
            for session_id in idle:
                # Another instance may clean up at the same time.
                with suppress(SessionNotFound):
                    await self.delete_session(session_id, along=along)
                    deleted += 1
            if len(idle) < _CLEANUP_BATCH:
                return deleted, cutoff

    def _read(
        self, session_id: str, *, after: str | None, with_text: bool = True, outlasts_drain: bool = False
    ) -> AsyncGenerator[list[SessionEvent]]:
        return read_session(
            SessionId(session_id),
            hub=self._hub,
            ground=self._ground,
            after=after,
            with_text=with_text,
            has_closed=lambda: self._closed if outlasts_drain else self._draining,
        )

    def _find_interval(self) -> float:
        if not self._ground.has_peers:
            return _POLL_ALONE_SECONDS
        return _POLL_TOLD_SECONDS if self._relay is not None and self._relay.is_connected else _POLL_SHARED_SECONDS

    def _look_soon(self, session_id: str) -> None:
        self._poller.look_soon(session_id)

    def _publish(self, appended: Sequence[StoredEvent]) -> None:
        for stored in appended:
            if self._hub.is_followed(stored.session_id):
                self._hub.publish(stored.session_id, stored.seq, to_event(stored))
        if happened := [stored.type for stored in appended if stored.type != "started"]:
            self._tell(appended[0].session_id, happened)


def _ends(event: SessionEvent, turn_id: TurnId | None) -> bool:
    kind = classify(event)
    return isinstance(kind, Ends) and kind.turn_id == turn_id
