"""Working on turns: which is begun when, and in how many places. Finding those that nobody works on, and keeping the leases of the others.

The invariant: a session's turns are worked on by one task of this process, one after the other, and each in a place of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import structlog

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.clock import Clock
from deskhand.failpoints import Failpoint, reach
from deskhand.ids import SessionId, TurnId
from deskhand.persistence import Database, DatabaseFull, DatabaseUnavailable, Transaction
from deskhand.realtime import Begins, Channel, Hub
from deskhand.sessions import SessionNotFound, turn_repository
from deskhand.telemetry import Metrics, Supervisor
from deskhand.turns.attempt import Attempts, Running
from deskhand.turns.events import SessionEvent
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import Claim

# Of the lease: when it is renewed.
_RENEW_AT = 1 / 3
_SWEEP_SECONDS = 1.0
_SWEEP_BATCH = 200

log = structlog.get_logger(__name__)


class TurnWorker:
    def __init__(  # noqa: PLR0913 - the worker is where these parts meet
        self,
        *,
        name: str,
        database: Database,
        lifecycle: TurnLifecycle,
        hub: Hub[SessionEvent],
        agent: CustomerSupportAgent,
        clock: Clock,
        supervisor: Supervisor,
        metrics: Metrics,
        concurrency: int,
    ) -> None:
        self.name = name
        self._database = database
        self._lifecycle = lifecycle
        self._hub = hub
        self._clock = clock
        self._supervisor = supervisor
        self._attempts = Attempts(database=database, lifecycle=lifecycle, agent=agent, clock=clock, supervisor=supervisor, metrics=metrics)
        self._places = asyncio.Semaphore(concurrency)
        # The sessions for whose turns a place is taken before they are claimed.
        self._kept: set[SessionId] = set()
        self._working: dict[SessionId, asyncio.Task[None]] = {}
        self._offered_again: set[SessionId] = set()
        # Turns that were claimed with their message, until they are begun; each with the moment its claim was asked for.
        self._claimed: dict[SessionId, tuple[Claim, float]] = {}
        self._running: dict[SessionId, Running] = {}
        self._draining = False
        # Past the time that running turns were given: what was being claimed until now is not begun.
        self._leaving = False

    @property
    def running_count(self) -> int:
        return len(self._running)

    def start(self) -> None:
        self._sweeping = self._supervisor.start(self._sweep, name="turn-sweep", restart=True)
        self._renewing = self._supervisor.start(self._renew_leases, name="turn-leases", restart=True)

    def offer(self, session_id: SessionId) -> None:
        """Work on the session's turns, if nobody does. Returns at once."""
        if self._draining:
            return
        if session_id in self._working:
            self._offered_again.add(session_id)
            return
        # Held from here on, not from when the task begins: who waits for the answer finds what was published meanwhile.
        held = ExitStack()
        channel = held.enter_context(self._hub.write(session_id))
        has_place = session_id in self._kept
        self._kept.discard(session_id)
        self._working[session_id] = self._supervisor.start(lambda: self._work(session_id, channel, held, has_place=has_place), name="turn")

    @asynccontextmanager
    async def place(self, session_id: SessionId) -> AsyncIterator[bool]:
        """Whether a turn of the session can be begun at once; if so, a place is kept for it until `begin`, or until the block ends."""
        if (running := self._running.get(session_id)) is not None and running.ending and not self._draining:
            # The end of the turn before is on its way to the database, ahead of this one. Whoever wrote it has a place, and goes on.
            yield True
            return
        if self._draining or session_id in self._working or session_id in self._kept or self._places.locked():
            yield False
            return
        await self._places.acquire()
        self._kept.add(session_id)
        try:
            yield True
        finally:
            if session_id in self._kept:
                self._kept.discard(session_id)
                self._places.release()

    def begin(self, session_id: SessionId, claim: Claim, *, asked_at: float) -> None:
        """Work on a turn that was claimed at `asked_at` (monotonic). Returns at once."""
        reach(Failpoint.CLAIM_AFTER_COMMIT)
        self._claimed[session_id] = (claim, asked_at)
        self.offer(session_id)

    async def drain(self, *, seconds: float) -> None:
        """Claim nothing more, let what runs finish for `seconds`, then stop it and give the leases up."""
        self._draining = True
        tasks = list(self._working.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self._leaving = True
        for running in list(self._running.values()):
            running.task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._database.write(lambda tx: turn_repository.release_leases(tx, worker=self.name))
        except (DatabaseUnavailable, DatabaseFull) as error:
            # They run out by themselves.
            log.warning("leases_not_released", code=error.code)

    def pause(self, session_id: SessionId) -> dict[TurnId, str]:
        """Hold the session's running answer where it is; returns its text so far. To be followed by `resume` or `stop`."""
        if (running := self._running.get(session_id)) is None:
            return {}
        running.may_speak.clear()
        return {running.claim.turn.id: running.answer.text}

    def resume(self, session_id: SessionId) -> None:
        if (running := self._running.get(session_id)) is not None:
            running.may_speak.set()

    def stop(self, session_id: SessionId, *, turn_id: TurnId | None = None) -> None:
        """Stop work on the session's turn (on `turn_id` only, if named): it was ended by another hand."""
        running = self._running.get(session_id)
        if running is not None and turn_id in (None, running.claim.turn.id):
            running.stop()

    async def _work(self, session_id: SessionId, channel: Channel[SessionEvent], held: ExitStack, *, has_place: bool) -> None:
        try:
            with held:
                if not has_place:
                    await self._places.acquire()
                try:
                    await self._work_at_place(session_id, channel)
                finally:
                    self._places.release()
        except SessionNotFound:
            log.debug("session_gone", session_id=session_id)
        except (DatabaseUnavailable, DatabaseFull) as error:
            # The sweep offers it again.
            log.warning("turn_not_claimed", session_id=session_id, code=error.code)
        finally:
            del self._working[session_id]
            if session_id in self._offered_again:
                self._offered_again.discard(session_id)
                self.offer(session_id)

    async def _work_at_place(self, session_id: SessionId, channel: Channel[SessionEvent]) -> None:
        while not self._draining:
            self._offered_again.discard(session_id)
            claimed = self._claimed.pop(session_id, None)
            claim, asked_at = claimed if claimed is not None else await self._claim_next(session_id)
            if self._leaving:
                return
            more_may_wait = claim is not None and await self._run(claim, channel, asked_at)
            if not more_may_wait and session_id not in self._offered_again:
                return

    async def _claim_next(self, session_id: SessionId) -> tuple[Claim | None, float]:
        asked_at = self._clock.monotonic()

        def claim_next(tx: Transaction) -> Claim | None:
            claim = self._lifecycle.claim(tx, session_id, worker=self.name)
            if claim is not None:
                reach(Failpoint.CLAIM_BEFORE_COMMIT)
            return claim

        claim = await self._database.write(claim_next)
        if claim is not None:
            reach(Failpoint.CLAIM_AFTER_COMMIT)
        return claim, asked_at

    async def _run(self, claim: Claim, channel: Channel[SessionEvent], asked_at: float) -> bool:
        """Run one attempt. False: it ended the turn, and no other turn of the session was waiting then."""
        started_seq = claim.turn.started_seq or 0
        channel.begin_at(started_seq - 1)
        begun = Begins(claim.turn.id, claim.turn.attempt)
        running = Running(claim=claim, answer=channel.own_answer(begun), channel=channel, checkpointed_at=self._clock.monotonic())
        running.extend(asked_at=asked_at, lease_seconds=self._lifecycle.rules.lease_seconds)
        running.may_speak.set()
        self._running[claim.session.id] = running
        running.task = attempt = asyncio.create_task(self._attempts.make(running), name="turn-attempt")
        try:
            await asyncio.wait([attempt])
        except asyncio.CancelledError:
            attempt.cancel()
            await asyncio.wait([attempt])
            raise
        finally:
            del self._running[claim.session.id]
        if not attempt.cancelled() and (error := attempt.exception()) is not None:
            raise error
        return running.more_may_wait

    async def _renew_leases(self) -> None:
        lease_seconds = self._lifecycle.rules.lease_seconds
        while True:
            await asyncio.sleep(lease_seconds * _RENEW_AT)
            running = list(self._running.values())
            if not running:
                continue
            asked_at = self._clock.monotonic()
            turn_ids = [each.claim.turn.id for each in running]
            renew = partial(turn_repository.renew_leases, worker=self.name, turn_ids=turn_ids, lease_seconds=lease_seconds)
            try:
                held = await self._database.write(renew, durable=False)
            except (DatabaseUnavailable, DatabaseFull) as error:
                log.warning("leases_not_renewed", turns=len(turn_ids), code=error.code)
                continue
            for each in running:
                if each.claim.turn.id in held:
                    each.extend(asked_at=asked_at, lease_seconds=lease_seconds)
                else:
                    each.stop()

    async def _sweep(self) -> None:
        """Offer the turns that nobody works on. Runs at start too, for what a process left that is gone."""
        find = partial(turn_repository.list_sessions_with_work, limit=_SWEEP_BATCH)
        wait = 0.0
        while not self._draining:
            sessions = await self._database.read(partial(find, queued_for_seconds=wait))
            for session_id in sessions:
                self.offer(session_id)
            wait = _SWEEP_SECONDS
            await asyncio.sleep(_SWEEP_SECONDS)
