"""One attempt at a turn: run the agent, show its text, write its end.

The invariant: text is shown only while the lease is known to hold. A worker that was frozen finds its own clock past the lease before
it shows another character, and its writes are refused by the fence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.errors import OutcomeUnknown
from deskhand.agent.run import Answered, CustomerMessage, Run, SourcesFound, StageChanged, TextProduced
from deskhand.clock import Clock, to_iso
from deskhand.errors import DeskhandError
from deskhand.failpoints import Failpoint, reach
from deskhand.ids import AttachmentId
from deskhand.persistence import Database, DatabaseFull, DatabaseUnavailable, Transaction
from deskhand.realtime import Answer, Channel
from deskhand.sessions import SessionNotFound, turn_repository
from deskhand.telemetry import Metrics, Supervisor
from deskhand.turns.errors import FenceLost
from deskhand.turns.events import SessionEvent, Source, Sources, Status
from deskhand.turns.journal import TurnJournal
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import NEEDS_PERSON, TIMED_OUT, Claim, Failure

_CHECKPOINT_SECONDS = 0.5
# Of the lease: when a worker that could not renew it stops by itself.
_STOP_AT = 4 / 5
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
    checkpointed_at: float
    # The attempt itself.
    task: "asyncio.Task[None]" = field(init=False)
    # So long (monotonic) the lease is known to hold.
    safe_until: float = 0.0
    may_speak: asyncio.Event = field(default_factory=asyncio.Event)
    checkpoint: "asyncio.Task[None] | None" = None
    # Its end is being written: from here on the fence alone decides, and the task is not to be cancelled.
    ending: bool = False
    more_may_wait: bool = True

    def extend(self, *, asked_at: float, lease_seconds: float) -> None:
        """The lease was made or renewed by a request of `asked_at`."""
        self.safe_until = max(self.safe_until, asked_at + lease_seconds * _STOP_AT)

    def stop(self) -> None:
        if not self.ending:
            self.task.cancel()


class Attempts:
    """How attempts are made in this process."""

    def __init__(
        self,
        *,
        database: Database,
        lifecycle: TurnLifecycle,
        agent: CustomerSupportAgent,
        clock: Clock,
        supervisor: Supervisor,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._agent = agent
        self._clock = clock
        self._supervisor = supervisor
        self._metrics = metrics

    async def make(self, running: Running) -> None:
        """Make one, to whatever end. Cancelled from outside it writes nothing: the turn was ended, or is left for another worker."""
        started_at = self._clock.monotonic()
        try:
            failure = await self._complete(running)
            outcome = "completed" if failure is None else await self._fail(running, failure)
        except (FenceLost, SessionNotFound):
            outcome = "overtaken"
        self._metrics.turns.labels(outcome).inc()
        self._metrics.turn_seconds.observe(self._clock.monotonic() - started_at)

    async def _complete(self, running: Running) -> Failure | None:
        """Answer and finish the turn; returns why it cannot be done.

        Raises:
            FenceLost, SessionNotFound: the turn is no longer this worker's to end.
        """
        claim = running.claim
        try:
            async with asyncio.timeout(max(0.0, claim.seconds_left)):
                answered = await self._answer(running)
            await self._finish(running, answered)
        except (FenceLost, SessionNotFound):
            raise
        except TimeoutError:
            return TIMED_OUT
        except DeskhandError as error:
            log.warning("turn_failed", session_id=claim.session.id, turn_id=claim.turn.id, code=error.code, error=error.message)
            return NEEDS_PERSON if isinstance(error, OutcomeUnknown) else Failure(error.code, error.message, error.remedy)
        except Exception:  # the supervisor of a turn: whatever goes wrong in it, the turn ends and says so
            log.exception("turn_crashed", session_id=claim.session.id, turn_id=claim.turn.id)
            return _INTERNAL
        return None

    async def _answer(self, running: Running) -> Answered:
        claim = running.claim
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
        if (running.checkpoint is not None and not running.checkpoint.done()) or now - running.checkpointed_at < _CHECKPOINT_SECONDS:
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
            running.extend(asked_at=asked_at, lease_seconds=lease_seconds)
        else:
            running.stop()

    async def _finish(self, running: Running, answered: Answered) -> None:
        claim = running.claim

        def end(tx: Transaction) -> tuple[int | None, bool]:
            answer_seq = self._lifecycle.finish(tx, claim, answered)
            reach(Failpoint.FINISH_BEFORE_COMMIT)
            return answer_seq, bool(turn_repository.list_open_turns(tx.connection, claim.session.id))

        answer_seq, running.more_may_wait = await self._while_lease_holds(running, lambda: self._database.write(end))
        reach(Failpoint.FINISH_AFTER_COMMIT)
        if answer_seq is None:
            raise FenceLost
        await self._agent.record_turn(claim.session.id, messages=claim.messages, answered=answered, answer_seq=answer_seq)

    async def _fail(self, running: Running, failure: Failure) -> str:
        text = running.answer.text
        ours = await self._while_lease_holds(
            running, lambda: self._database.write(lambda tx: self._lifecycle.fail(tx, running.claim, failure, partial=text))
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

    def _now(self) -> str:
        return to_iso(self._clock.now())
