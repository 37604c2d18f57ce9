"""Working on turns: claim, run the agent, show its text, finish. And finding the turns that nobody works on.

The invariant: text is shown only while the lease is known to hold. A worker that was frozen finds its own clock past the lease before
it shows another character, and its writes are refused by the fence.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.run import Answered, CustomerMessage, Run, SourcesFound, StageChanged, TextProduced
from deskhand.clock import Clock, to_iso
from deskhand.errors import DeskhandError
from deskhand.failpoints import Failpoint, reach
from deskhand.ids import AttachmentId, SessionId, TurnId
from deskhand.persistence import Database, DatabaseFull, DatabaseUnavailable, Transaction
from deskhand.realtime import Answer, Begins, Channel, Hub
from deskhand.sessions import SessionNotFound, turn_repository
from deskhand.telemetry import Metrics, Supervisor
from deskhand.turns.errors import FenceLost, OutcomeUnknown
from deskhand.turns.events import SessionEvent, Source, Sources, Status
from deskhand.turns.journal import TurnJournal
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import NEEDS_PERSON, TIMED_OUT, Claim, Failure

CHECKPOINT_SECONDS = 0.5
# Of the lease: when it is renewed, and when a worker that could not renew it stops by itself.
_RENEW_AT = 1 / 3
_STOP_AT = 4 / 5
_SWEEP_SECONDS = 1.0
_SWEEP_BATCH = 200
_RETRY_SECONDS = 0.25
_INTERNAL = Failure("internal_error", "Something went wrong on our side.", "Please try again, or ask to talk to a person.")

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Running:
    """A turn that runs in this process."""

    claim: Claim
    answer: Answer[SessionEvent]
    channel: Channel[SessionEvent]
    task: "asyncio.Task[None]"
    safe_until: float
    checkpointed_at: float
    may_speak: asyncio.Event = field(default_factory=asyncio.Event)
    checkpoint: "asyncio.Task[None] | None" = None
    # Its end is being written: from here on the fence alone decides, and the task is not to be cancelled.
    ending: bool = False
    more_may_wait: bool = True

    def stop(self) -> None:
        if not self.ending:
            self.task.cancel()


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
        self._agent = agent
        self._clock = clock
        self._supervisor = supervisor
        self._metrics = metrics
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
        attempt = asyncio.create_task(self._attempt(claim), name="turn-attempt")
        running = Running(
            claim=claim,
            answer=channel.own_answer(begun),
            channel=channel,
            task=attempt,
            safe_until=asked_at + self._lifecycle.rules.lease_seconds * _STOP_AT,
            checkpointed_at=self._clock.monotonic(),
        )
        running.may_speak.set()
        self._running[claim.session.id] = running
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

    async def _attempt(self, claim: Claim) -> None:
        """One attempt, to whatever end. Cancelled from outside it writes nothing: the turn was ended, or is left for another worker."""
        running = self._running[claim.session.id]
        started_at = self._clock.monotonic()
        try:
            failure = await self._complete(claim, running)
            outcome = "completed" if failure is None else await self._fail(claim, running, failure)
        except (FenceLost, SessionNotFound):
            outcome = "overtaken"
        self._metrics.turns.labels(outcome).inc()
        self._metrics.turn_seconds.observe(self._clock.monotonic() - started_at)

    async def _complete(self, claim: Claim, running: Running) -> Failure | None:
        """Answer and finish the turn; returns why it cannot be done.

        Raises:
            FenceLost, SessionNotFound: the turn is no longer this worker's to end.
        """
        try:
            async with asyncio.timeout(max(0.0, claim.seconds_left)):
                answered = await self._answer(claim, running)
            await self._finish(claim, running, answered)
        except (FenceLost, SessionNotFound):
            raise
        except TimeoutError:
            return TIMED_OUT
        except OutcomeUnknown:
            return NEEDS_PERSON
        except DeskhandError as error:
            log.warning("turn_failed", session_id=claim.session.id, turn_id=claim.turn.id, code=error.code, error=error.message)
            return Failure(error.code, error.message, error.remedy)
        except Exception:  # the supervisor of a turn: whatever goes wrong in it, the turn ends and says so
            log.exception("turn_crashed", session_id=claim.session.id, turn_id=claim.turn.id)
            return _INTERNAL
        return None

    async def _answer(self, claim: Claim, running: Running) -> Answered:
        run = Run(
            session_id=claim.session.id,
            user_id=claim.session.customer_id,
            turn_id=claim.turn.id,
            attempt=claim.turn.attempt,
            messages=[
                CustomerMessage(
                    id=message.id,
                    content=message.content,
                    attachments=tuple(AttachmentId(file["attachment_id"]) for file in message.data.get("attachments", ())),
                )
                for message in claim.messages
            ],
            journal=TurnJournal(self._database, claim),
            history_until=claim.history_until,
            seconds_left=claim.seconds_left,
        )
        async with aclosing(self._agent.answer(run)) as events:
            async for event in events:
                if not running.may_speak.is_set():
                    await running.may_speak.wait()
                if running.answer.ended or self._clock.monotonic() > running.safe_until:
                    raise FenceLost
                if isinstance(event, Answered):
                    return event
                self._show(running, event)
        raise RuntimeError("The agent ended its run without an answer.")

    def _show(self, running: Running, event: TextProduced | StageChanged | SourcesFound) -> None:
        match event:
            case TextProduced():
                running.answer.append(event.text)
                running.channel.show_text()
                self._checkpoint_if_due(running)
                return
            case StageChanged():
                running.answer.add_note(
                    Status(id="", timestamp=self._now(), turn_id=running.claim.turn.id, stage=event.stage, tool=event.tool)
                )
            case SourcesFound():
                sources = [Source(used.content, used.metadata, used.relevance, used.rank) for used in event.sources]
                running.answer.add_note(Sources(id="", timestamp=self._now(), turn_id=running.claim.turn.id, sources=sources))
        running.channel.show_note()

    def _checkpoint_if_due(self, running: Running) -> None:
        now = self._clock.monotonic()
        if (running.checkpoint is not None and not running.checkpoint.done()) or now - running.checkpointed_at < CHECKPOINT_SECONDS:
            return
        running.checkpointed_at = now
        running.checkpoint = self._supervisor.start(lambda: self._checkpoint(running, now), name="turn-checkpoint")

    async def _checkpoint(self, running: Running, asked_at: float) -> None:
        text = running.answer.text
        lease_seconds = self._lifecycle.rules.lease_seconds
        turn = running.claim.turn

        def keep(tx: Transaction) -> bool:
            mine = turn_repository.checkpoint_turn(tx, turn.id, fence=turn.fence, partial=text, lease_seconds=lease_seconds)
            reach(Failpoint.CHECKPOINT_BEFORE_COMMIT)
            return mine

        try:
            mine = await self._database.write(keep, durable=False)
            reach(Failpoint.CHECKPOINT_AFTER_COMMIT)
        except (DatabaseUnavailable, DatabaseFull) as error:
            log.warning("checkpoint_failed", turn_id=turn.id, code=error.code)
            return
        if mine:
            running.safe_until = max(running.safe_until, asked_at + lease_seconds * _STOP_AT)
        else:
            running.stop()

    async def _finish(self, claim: Claim, running: Running, answered: Answered) -> None:
        def end(tx: Transaction) -> tuple[int | None, bool]:
            answer_seq = self._lifecycle.finish(tx, claim, answered)
            reach(Failpoint.FINISH_BEFORE_COMMIT)
            return answer_seq, bool(turn_repository.list_open_turns(tx.connection, claim.session.id))

        answer_seq, running.more_may_wait = await self._while_lease_holds(running, lambda: self._database.write(end))
        reach(Failpoint.FINISH_AFTER_COMMIT)
        if answer_seq is None:
            raise FenceLost
        await self._agent.record_turn(claim.session.id, messages=claim.messages, answered=answered, answer_seq=answer_seq)

    async def _fail(self, claim: Claim, running: Running, failure: Failure) -> str:
        text = running.answer.text
        ours = await self._while_lease_holds(
            running, lambda: self._database.write(lambda tx: self._lifecycle.fail(tx, claim, failure, partial=text))
        )
        return "failed" if ours else "overtaken"

    async def _while_lease_holds(self, running: Running, write: Callable[[], Awaitable[T]]) -> T:
        """Write the end of a turn, again if the database was away for a moment; past the lease it is another worker's to end."""
        running.ending = True
        while True:
            try:
                return await write()
            except (DatabaseUnavailable, DatabaseFull) as error:
                if self._clock.monotonic() > running.safe_until:
                    raise FenceLost from error
                log.warning("turn_end_waits", turn_id=running.claim.turn.id, code=error.code)
            await asyncio.sleep(_RETRY_SECONDS)

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
                    each.safe_until = max(each.safe_until, asked_at + lease_seconds * _STOP_AT)
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

    def _now(self) -> str:
        return to_iso(self._clock.now())
