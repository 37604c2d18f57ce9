"""A1: the state machine of a turn on the real store, driven by Hypothesis and compared with the model of `reference` after every step.

Workers are played here, one transaction at a time: whoever claimed a turn once may write for it for ever, so every worker is a zombie
from the moment another takes its turn over. Transactions fail before their commit, and answers get lost after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from deskhand.agent.errors import OutcomeUnknown
from deskhand.agent.run import Answered, Begun, EscalationRequest, Replayed, ToolCallKey
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.ids import SessionId, new_session_id, new_thread_id
from deskhand.persistence import Transaction
from deskhand.sessions import MessageConflict, QueueFull, SessionEnded, SessionNotFound, SessionStatus, StoredEvent
from deskhand.sessions import repository as sessions
from deskhand.sessions import turn_repository as turns
from deskhand.turns import Accepted, TurnRules
from deskhand.turns.errors import FenceLost
from deskhand.turns.journal import TurnJournal
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.model import Claim, Failure
from turns.history import History, check_history, read_history
from turns.reference import ModelCall, ModelMessage, ModelSession, ModelTurn
from turns.store import Store

T = TypeVar("T")

RULES = TurnRules(timeout_seconds=120.0, lease_seconds=15.0, max_attempts=3, queue_limit=3)
WORKERS = ("worker_a", "worker_b", "worker_c")
SESSIONS = 2
BROKEN = Failure("model_unavailable", "The model is down.", "Please try again.")

Index = st.integers(0, 1 << 16)
Text = st.sampled_from(["a", "bc", "déf 😀 "])


class Dies(Exception):
    """The process that ran a transaction was killed before its commit."""


@dataclass(slots=True, eq=False)
class Work:
    """A worker's hold on a turn. It may be used long after another took the turn over."""

    worker: str
    claim: Claim
    session: ModelSession
    turn: ModelTurn
    journal: TurnJournal
    said: str = ""
    begun: list[tuple[Begun, ModelCall]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)


class TurnMachine(RuleBasedStateMachine):
    """Subclasses give `store`. A rule predicts with the model, acts on the store, and compares; the invariant reads what is committed."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.published: dict[str, list[StoredEvent]] = {}
        self.lifecycle = TurnLifecycle(RULES, publish=self._publish)
        self.sessions: list[ModelSession] = []
        self.works: list[Work] = []
        self.current: dict[str, Work] = {}
        self.touched: set[str] = set()
        self.before: dict[str, History] = {}
        self.gone: list[str] = []

    def _publish(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            self.published.setdefault(event.session_id, []).append(event)

    def _session(self, index: int) -> ModelSession:
        session = self.sessions[index % len(self.sessions)]
        self.touched.add(session.id)
        return session

    def _work(self, index: int) -> Work:
        # One in three is the newest, one a zombie whose turn goes on without it: left to chance they would be used too seldom.
        zombies = [work for work in self.works if work.turn.is_open and not self._is_current(work)]
        chosen = ([self.works[-1]], zombies or self.works, self.works)[index % 3]
        work = chosen[(index // 3) % len(chosen)]
        self.touched.add(work.session.id)
        return work

    def _is_current(self, work: Work) -> bool:
        return self.current.get(work.turn.id) is work and work.turn.is_open and work.session in self.sessions

    # What customers do

    @initialize()
    def open_sessions(self) -> None:
        for _ in range(SESSIONS):
            self.sessions.append(self._open_session())

    def _open_session(self) -> ModelSession:
        session_id = new_session_id()
        self.store.write(
            lambda tx: sessions.insert_session(
                tx,
                session_id=session_id,
                thread_id=new_thread_id(),
                user_id=None,
                user_is_verified=False,
                token_hash=session_id,
                metadata={},
            )
        )
        return ModelSession(session_id)

    @rule(
        which=Index,
        content=Text,
        client_message_id=st.sampled_from([None, None, "one", "two", "three"]),
        fate=st.sampled_from(["well", "well", "dies"]),
        worker=st.sampled_from([None, *WORKERS]),
    )
    def post(self, which: int, content: str, client_message_id: str | None, fate: str, worker: str | None) -> None:
        """A message is sent. With `worker`, its turn is begun with it, if no other is open."""
        session = self._session(which)
        known = session.find_sent(client_message_id)
        waiting = session.waiting()
        refusal = session.refusal(client_message_id, content, RULES)
        if refusal is None and fate == "dies":
            refusal = Dies
        try:
            accepted = self._accept(session, content=content, client_message_id=client_message_id, worker=worker, dies=fate == "dies")
        except (MessageConflict, SessionEnded, QueueFull, Dies) as error:
            refused: type[Exception] | None = type(error)
            accepted = None
        else:
            refused = None
        assert refused is refusal, "a message was refused that had to be taken, or taken that had to be refused"
        if accepted is None:
            return
        if known is not None:
            assert (accepted.message_id, accepted.turn_id, accepted.duplicate) == (known.id, known.turn_id, True)
            return
        may_begin = worker is not None and not session.open_turns()
        self._note_accepted(session, accepted, content=content, client_message_id=client_message_id, waiting=waiting)
        if worker is not None and may_begin:
            self._note_claimed(session, accepted.claim, worker)
        else:
            assert accepted.claim is None, "a turn was begun that another stands before"

    def _accept(self, session: ModelSession, *, content: str, client_message_id: str | None, worker: str | None, dies: bool) -> Accepted:
        def work(tx: Transaction) -> Accepted:
            accepted = self.lifecycle.accept(
                tx, session.id, content=content, client_message_id=client_message_id, attachment_ids=(), worker=worker
            )
            if dies:
                raise Dies
            return accepted

        return self.store.write(work)

    def _note_accepted(
        self, session: ModelSession, accepted: Accepted, *, content: str, client_message_id: str | None, waiting: ModelTurn | None
    ) -> None:
        session.messages.append(ModelMessage(accepted.message_id, content, accepted.turn_id, client_message_id))
        assert (accepted.turn_id is not None) == (session.status is SessionStatus.ACTIVE)
        if accepted.turn_id is None:
            return
        if waiting is not None:
            assert accepted.turn_id == waiting.id, "a message that comes before its turn has begun joins it"
            waiting.messages.append(accepted.message_id)
        else:
            session.turns.append(ModelTurn(accepted.turn_id, [accepted.message_id]))

    @rule(which=Index, has_newer_text=st.booleans(), cuts_off_a_call=st.booleans())
    def cancel(self, which: int, has_newer_text: bool, cuts_off_a_call: bool) -> None:
        if cuts_off_a_call and (work := self._some_current_work(which)) is not None:
            self._begin_call(work, step=2, has_effect=True)
            which = self.sessions.index(work.session)
        session = self._session(which)
        turn = next(iter(session.open_turns()), None)
        partials = self._newer_text(session) if has_newer_text else {}
        cancelled = self.store.write(lambda tx: self.lifecycle.cancel(tx, session.id, reason="cancelled_by_customer", partials=partials))
        assert cancelled == (turn.id if turn else None)
        if turn is not None:
            session.cancel(turn, text=partials.get(turn.id, turn.partial))

    @precondition(lambda self: len(self.gone) < 2)
    @rule(which=Index, chance=st.integers(0, 9))
    def delete_session(self, which: int, chance: int) -> None:
        if chance:
            return
        session = self._session(which)
        assert self.store.write(lambda tx: sessions.delete_session(tx, SessionId(session.id)))
        self.gone.append(session.id)
        self.sessions[self.sessions.index(session)] = self._open_session()

    # What people behind the desk do

    @rule(which=Index, status=st.sampled_from([*[SessionStatus.ACTIVE] * 4, *SessionStatus]), has_newer_text=st.booleans())
    def change_status(self, which: int, status: SessionStatus, has_newer_text: bool) -> None:
        session = self._session(which)
        partials = self._newer_text(session) if has_newer_text else {}
        changed = self.store.write(lambda tx: self.lifecycle.change_status(tx, session.id, status, partials=partials))
        assert changed.status is status
        if session.status is status:
            return
        for turn in session.open_turns():
            turn.partial = partials.get(turn.id, turn.partial)
        session.leave_ai(status)

    def _newer_text(self, session: ModelSession) -> dict[Any, str]:
        """What the worker of the session's turn has said, as this process knows it."""
        return {turn.id: work.said for turn in session.open_turns() if (work := self.current.get(turn.id)) is not None and work.said}

    # What workers do

    @rule(which=Index, worker=st.sampled_from(WORKERS), dies=st.sampled_from([False, False, False, True]))
    def claim(self, which: int, worker: str, dies: bool) -> None:
        session = self._session(which)

        def work(tx: Transaction) -> Claim | None:
            claimed = self.lifecycle.claim(tx, session.id, worker=worker)
            if dies:
                raise Dies
            return claimed

        try:
            claim = self.store.write(work)
        except Dies:
            return
        self._note_claimed(session, claim, worker)

    @rule(which=Index, worker=st.sampled_from(WORKERS), then=st.sampled_from(["waits", "finishes", "fails"]))
    def take_over(self, which: int, worker: str, then: str) -> None:
        """A lease runs out and another worker, or the same in a later life, claims the turn. Who had it goes on as a zombie."""
        if (work := self._some_current_work(which)) is None:
            return
        self.store.pass_time(max(0.0, work.turn.lease_until + 0.5 - self.store.now))
        self.claim(which=self.sessions.index(work.session), worker=worker, dies=False)
        self.the_store_is_as_the_model_says()
        if then == "finishes" and not work.begun:
            self._finish(work, escalates=False, dies=False)
        elif then == "fails":
            self._fail(work)

    @rule(which=Index, worker=st.sampled_from(WORKERS), has_effect=st.booleans(), is_recorded=st.booleans())
    def take_over_after_a_call(self, which: int, worker: str, has_effect: bool, is_recorded: bool) -> None:
        """A worker makes a call and is overtaken, before it has recorded what came of it or after; the next makes the same call."""
        if (work := self._some_current_work(which)) is None:
            return
        self._begin_call(work, step=1, has_effect=has_effect)
        if is_recorded and work.begun:
            self._finish_call(work, failed=False)
        self.the_store_is_as_the_model_says()
        self.store.pass_time(max(0.0, work.turn.lease_until + 0.5 - self.store.now))
        self.claim(which=self.sessions.index(work.session), worker=worker, dies=False)
        if (successor := self.current.get(work.turn.id)) is not None and work.turn.is_open:
            self._begin_call(successor, step=1, has_effect=has_effect)

    def _some_current_work(self, which: int) -> Work | None:
        """One whose turn is still its own; begun now if there is none, unless the session is not the agent's."""
        current = [work for work in self.works if self._is_current(work)]
        if not current:
            self.post(which=which, content="a", client_message_id=None, fate="well", worker=WORKERS[which % len(WORKERS)])
            current = [work for work in self.works if self._is_current(work)]
        return current[which % len(current)] if current else None

    def _note_claimed(self, session: ModelSession, claim: Claim | None, worker: str) -> None:
        turn = session.claim(self.store.now, RULES, worker=worker)
        assert (claim.turn.id if claim else None) == (turn.id if turn else None), "the wrong turn was begun, or none"
        if claim is None or turn is None:
            return
        assert claim.turn.attempt == turn.attempt
        assert [message.id for message in claim.messages] == turn.messages
        assert abs(claim.seconds_left - ((turn.deadline or 0.0) - self.store.now)) < 10.0
        self.works.append(Work(worker, claim, session, turn, TurnJournal(self.store.database, claim)))
        self.current[turn.id] = self.works[-1]

    @precondition(lambda self: self.works)
    @rule(which=Index, text=Text)
    def checkpoint(self, which: int, text: str) -> None:
        work = self._work(which)
        expected = self._is_current(work)
        work.said += text
        said = work.said
        mine = self.store.write(
            lambda tx: turns.checkpoint_turn(
                tx, work.claim.turn.id, fence=work.claim.fence, partial=said, lease_seconds=RULES.lease_seconds
            )
        )
        assert mine == expected, "a checkpoint was taken from a worker that lost the turn, or refused to the one that has it"
        if mine:
            work.turn.partial = said
            work.turn.lease_until = self.store.now + RULES.lease_seconds

    @precondition(lambda self: self.works)
    @rule(worker=st.sampled_from(WORKERS))
    def renew_leases(self, worker: str) -> None:
        mine = [work for work in self.works if work.worker == worker]
        held = self.store.write(
            lambda tx: turns.renew_leases(
                tx, worker=worker, turn_ids=[work.claim.turn.id for work in mine], lease_seconds=RULES.lease_seconds
            )
        )
        expected = {work.turn.id for work in mine if self._is_current(work)}
        assert held == expected, "leases were renewed that are not this worker's, or not those that are"
        for turn in {work.turn.id: work.turn for work in mine if self._is_current(work)}.values():
            turn.lease_until = self.store.now + RULES.lease_seconds

    @rule(worker=st.sampled_from(WORKERS))
    def release_leases(self, worker: str) -> None:
        self.store.write(lambda tx: turns.release_leases(tx, worker=worker))
        for turn in [turn for session in self.sessions for turn in session.turns]:
            if turn.state == "active" and turn.worker == worker:
                turn.lease_until = self.store.now - 1.0

    @precondition(lambda self: self.works)
    @rule(which=Index, escalates=st.sampled_from([False, False, True]), fate=st.sampled_from(["well", "well", "dies"]))
    def finish(self, which: int, escalates: bool, fate: str) -> None:
        if not (work := self._work(which)).begun:
            self._finish(work, escalates=escalates, dies=fate == "dies")

    def _finish(self, work: Work, *, escalates: bool, dies: bool) -> None:
        self.touched.add(work.session.id)
        expected = self._is_current(work)
        request = EscalationRequest(EscalationReason.ASKED_FOR_PERSON, Priority.NORMAL, "help") if escalates else None
        answered = Answered(text=f"{work.said}.", sources=(), confidence=0.5, tools_used=(), escalation=request)

        def write(tx: Transaction) -> int | None:
            seq = self.lifecycle.finish(tx, work.claim, answered)
            if dies:
                raise Dies
            return seq

        try:
            finished = self.store.write(write) is not None
        except Dies:
            return
        except SessionNotFound:
            assert work.session not in self.sessions
            return
        assert finished == expected, "an answer was taken from a worker that lost the turn, or refused to the one that has it"
        if finished:
            work.session.end(work.turn, "completed", text=answered.text)
            if escalates:
                work.session.leave_ai(SessionStatus.ESCALATED)

    @precondition(lambda self: self.works)
    @rule(which=Index)
    def fail(self, which: int) -> None:
        self._fail(self._work(which))

    def _fail(self, work: Work) -> None:
        self.touched.add(work.session.id)
        expected = self._is_current(work)
        try:
            failed = self.store.write(lambda tx: self.lifecycle.fail(tx, work.claim, BROKEN, partial=work.said))
        except SessionNotFound:
            assert work.session not in self.sessions
            return
        assert failed == expected, "a failure was taken from a worker that lost the turn, or refused to the one that has it"
        if failed:
            work.session.fail(work.turn, text=work.said, error_code=BROKEN.code)

    # What tools do

    @precondition(lambda self: self.works)
    @rule(which=Index, step=st.integers(1, 2), has_effect=st.booleans())
    def begin_call(self, which: int, step: int, has_effect: bool) -> None:
        self._begin_call(self._work(which), step=step, has_effect=has_effect)

    def _begin_call(self, work: Work, *, step: int, has_effect: bool) -> None:
        self.touched.add(work.session.id)
        name = "refund" if has_effect else "search"
        call = work.turn.calls.setdefault((step, name), ModelCall(has_effect))
        if f"{step}{name}" in work.seen:
            return
        work.seen[f"{step}{name}"] = step
        try:
            begun = self.store.run(work.journal.begin(ToolCallKey(step, 0, name), arguments={"amount": step}, idempotent=not has_effect))
        except FenceLost:
            assert has_effect
            assert not self._is_current(work), "a call was refused to the worker that has the turn"
            return
        except SessionNotFound:
            assert work.session not in self.sessions
            return
        except OutcomeUnknown:
            assert has_effect
            assert call.state in ("intent", "unknown")
            return
        if has_effect:
            assert self._is_current(work), "a call with an effect was allowed to a worker that lost the turn"
        if isinstance(begun, Replayed):
            assert call.state in ("done", "failed")
            assert (begun.result, begun.failed) == (call.result, call.state == "failed")
            return
        assert not (has_effect and call.state is not None), "a call with an effect is to be made again"
        call.begun += 1
        call.keys.add(begun.idempotency_key)
        if has_effect:
            call.state = "intent"
            assert call.begun == 1, "S9: an effect happens twice"
        assert len(call.keys) == 1, "S9: the same call has two keys, so nobody downstream can tell that it is the same"
        work.begun.append((begun, call))

    @precondition(lambda self: any(work.begun for work in self.works))
    @rule(which=Index, failed=st.booleans())
    def finish_call(self, which: int, failed: bool) -> None:
        waiting = [work for work in self.works if work.begun]
        self._finish_call(waiting[which % len(waiting)], failed=failed)

    def _finish_call(self, work: Work, *, failed: bool) -> None:
        self.touched.add(work.session.id)
        begun, call = work.begun.pop()
        result = {"by": work.worker, "attempt": work.claim.turn.attempt}
        try:
            self.store.run(work.journal.finish(begun, result=result, failed=failed))
        except SessionNotFound:
            assert work.session not in self.sessions
            return
        call.state = "failed" if failed else "done"
        call.result = result

    # What time and machines do

    @rule(seconds=st.sampled_from([6.0, 16.0, 16.0, 121.0]))
    def time_passes(self, seconds: float) -> None:
        self.store.pass_time(seconds)

    @precondition(lambda self: self.works)
    @rule(worker=st.sampled_from(WORKERS))
    def kill(self, worker: str) -> None:
        """The process is gone with all it knew; what it had claimed is never written for again."""
        self.works = [work for work in self.works if work.worker != worker]
        self.current = {turn_id: work for turn_id, work in self.current.items() if work.worker != worker}

    # What must hold

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        for session in self.sessions:
            if session.id in self.touched:
                self._check(session)
        self.touched.clear()

    def _check(self, session: ModelSession) -> None:
        history = read_history(self.store.select, session.id)
        assert history is not None
        problems = check_history(history, max_attempts=RULES.max_attempts)
        assert not problems, "\n".join(problems)
        said = [message for message in history.messages if message.role == "customer"]
        assert [(message.id, message.content, message.turn_id) for message in said] == [
            (message.id, message.content, message.turn_id) for message in session.messages
        ], "S1, S2: what was acknowledged is not what is stored"
        answers = [(message.turn_id, message.content, message.status) for message in history.messages if message.role == "assistant"]
        assert answers == session.answers, "the answers are not those that were given"
        states = [(turn.id, "active" if turn.state in ("running", "streaming") else turn.state, turn.error_code) for turn in history.turns]
        assert states == [(turn.id, turn.state, turn.error_code) for turn in session.turns]
        assert [(turn.attempt, turn.partial) for turn in history.turns if turn.state in ("running", "streaming")] == [
            (turn.attempt, turn.partial) for turn in session.turns if turn.state == "active"
        ]
        assert {turn.id for turn in session.turns if turn.is_ticketed} <= set(history.tickets), "P8: nobody was told of an uncertain action"
        published = [(event.seq, event.type) for event in self.published.get(session.id, ())]
        assert published == [(event.seq, event.type) for event in history.events], "what was published is not what was committed"
        before = self.before.get(session.id)
        if before is not None:
            assert history.events[: len(before.events)] == before.events, "S5: the log changed"
            assert history.messages[: len(before.messages)] == before.messages, "S5: the transcript changed"
        self.before[session.id] = history

    def teardown(self) -> None:
        try:
            self._let_one_worker_do_the_rest()
        finally:
            for session in self.sessions:
                self.store.write(lambda tx, session=session: sessions.delete_session(tx, SessionId(session.id)))

    def _let_one_worker_do_the_rest(self) -> None:
        """L1: with one live worker, every turn ends."""
        self.store.pass_time(RULES.lease_seconds + 1.0)
        for session in self.sessions:
            while (claim := self.store.write(lambda tx: self.lifecycle.claim(tx, session.id, worker="last"))) is not None:  # noqa: B023 - called at once
                turn = session.claim(self.store.now, RULES, worker="last")
                assert turn is not None
                assert turn.id == claim.turn.id
                answered = Answered(text="done", sources=(), confidence=0.5, tools_used=(), escalation=None)
                assert self.store.write(lambda tx: self.lifecycle.finish(tx, claim, answered)) is not None  # noqa: B023 - called at once
                session.end(turn, "completed", text="done")
            session.claim(self.store.now, RULES, worker="last")
            assert not session.open_turns()
            self._check(session)
            open_turns = self.store.select("SELECT id FROM turn WHERE session_id = :id AND ended_at IS NULL", {"id": session.id})
            assert not open_turns, f"L1: {open_turns} never end"
