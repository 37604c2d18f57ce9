"""The state machine of a turn: each transition is one function inside one transaction (T1–T10 of the turn's rules).

The invariant: whatever changes a turn that has begun compares the fence. Ending, cancelling and taking over raise the session's fence,
so that whoever wrote before cannot write after.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from deskhand.agent.run import Answered, EscalationRequest
from deskhand.handoff import repository as tickets
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.ticket import Ticket, TicketState
from deskhand.ids import TurnId, new_message_id
from deskhand.persistence import Transaction
from deskhand.sessions import (
    Author,
    Message,
    MessageStatus,
    Session,
    SessionEnded,
    SessionStatus,
    StoredEvent,
    ToolCallState,
    Turn,
    TurnState,
    repository,
    turn_repository,
)
from deskhand.sessions.log import SessionLog, open_log
from deskhand.turns.brief import make_brief
from deskhand.turns.model import GAVE_UP, NEEDS_PERSON, TIMED_OUT, Accepted, Claim, Failure, TurnRules
from deskhand.turns.opening import Place, find_place, waiting_turn
from deskhand.turns.saying import describe_files, find_said_before, hash_body, insert_message

# Of these the one who takes a conversation up is told what it is about.
_BRIEF_MESSAGES = 12

UNCERTAIN_ACTION = EscalationRequest(EscalationReason.TOOL_FAILURE, Priority.HIGH, NEEDS_PERSON.message)


class TurnLifecycle:
    """The transitions. What they store is handed to `publish`, on the event loop, once it is durable."""

    def __init__(self, rules: TurnRules, *, publish: Callable[[Sequence[StoredEvent]], None]) -> None:
        self.rules = rules
        self._publish = publish

    def accept(
        self,
        tx: Transaction,
        session_id: str,
        *,
        content: str,
        client_message_id: str | None,
        attachment_ids: Sequence[str],
        worker: str | None = None,
    ) -> Accepted:
        """T1: store what the customer said, and a turn for it unless one that has not begun takes it in.

        With `worker` also T2, by that worker, if no other turn of the session is open: one transaction saves the customer the wait for
        another.

        Raises:
            SessionNotFound, SessionEnded, MessageConflict, QueueFull, AttachmentNotFound.
        """
        body_hash = hash_body(content, attachment_ids)
        with open_log(tx, session_id) as log:
            session = log.session
            if (before := find_said_before(tx, session, client_message_id, body_hash=body_hash)) is not None:
                return Accepted(before.id, before.turn_id, before.seq, duplicate=True)
            if session.status is SessionStatus.ENDED:
                raise SessionEnded
            files = describe_files(tx, session, attachment_ids)
            place = find_place(tx, session, queue_limit=self.rules.queue_limit)
            message_id = new_message_id()
            told = {"client_message_id": client_message_id, "content": content, "attachments": files}
            event = log.append("acknowledged", {"message_id": message_id, "turn_id": place.turn_id, **told}, turn_id=place.turn_id)
            begun = self._open_turn(tx, log, place, event=event, worker=worker)
            message = insert_message(
                tx,
                event,
                message_id,
                role=Author.CUSTOMER,
                content=content,
                client_message_id=client_message_id,
                body_hash=body_hash,
                data={"attachments": files} if files else {},
            )
            claim = _to_claim(tx, log, begun, messages=[message]) if begun is not None else None
            if session.status is SessionStatus.ESCALATED and (ticket := tickets.find_open_ticket(tx.connection, session.id)) is not None:
                tickets.save_ticket(tx, ticket.heard())
            self.publish_after_commit(tx, log)
            return Accepted(message_id, place.turn_id, event.seq, claim=claim)

    def claim(self, tx: Transaction, session_id: str, *, worker: str) -> Claim | None:
        """T2 and T9: begin the first turn of the session that has not ended; None when there is none, or another works on it."""
        with open_log(tx, session_id) as log:
            if log.has_left_ai():
                return None
            claimed = None
            if (turn := self._find_next_turn(tx, log)) is not None:
                begun = self._begun(log, turn, worker=worker)
                turn_repository.claim_turn(tx, begun)
                claimed = _to_claim(tx, log, begun, messages=repository.list_messages_of_turn(tx.connection, turn.id))
            self.publish_after_commit(tx, log)
            return claimed

    def finish(self, tx: Transaction, claim: Claim, answered: Answered) -> int | None:
        """T6: the answer, its ticket if there is one, and the end of the turn; returns the answer's number in the session.

        None: the fence is no longer ours.
        """
        with open_log(tx, claim.session.id) as log:
            turn = claim.turn
            if not turn_repository.end_turn(tx, turn.id, fence=claim.fence, state=TurnState.COMPLETED, now=log.now):
                return None
            escalates = answered.escalation is not None
            if answered.escalation is not None:
                self.escalate(tx, log, answered.escalation, turn_id=turn.id)
            message_id = new_message_id()
            details = {
                "sources": [
                    {"content": used.content, "metadata": used.metadata, "relevance_score": used.relevance, "rank": used.rank}
                    for used in answered.sources
                ],
                "requires_escalation": escalates,
                "confidence": answered.confidence,
                "processing_time": round(max(0.0, log.now - turn.created_at), 4),
                "tools_used": list(answered.tools_used),
                "metadata": answered.metadata,
            }
            event = log.append(
                "complete",
                {"turn_id": turn.id, "message_id": message_id, "session_id": claim.session.id, "message": answered.text, **details},
                turn_id=turn.id,
                attempt=turn.attempt,
            )
            insert_message(tx, event, message_id, role=Author.ASSISTANT, content=answered.text, data=details)
            if escalates:
                self.change_mode(tx, log, SessionStatus.ESCALATED, partials={})
            self.publish_after_commit(tx, log)
            return event.seq

    def fail(self, tx: Transaction, claim: Claim, failure: Failure, *, partial: str) -> bool:
        """T7: end the turn without an answer; what was said is kept as incomplete. False: the fence is no longer ours."""
        with open_log(tx, claim.session.id) as log:
            if not turn_repository.holds_turn(tx.connection, claim.turn.id, fence=claim.fence):
                return False
            unknown = self._give_up_effects(tx, claim.turn)
            self._fail(tx, log, replace(claim.turn, partial=partial), failure=NEEDS_PERSON if unknown else failure)
            self.publish_after_commit(tx, log)
            return True

    def cancel(self, tx: Transaction, session_id: str, *, reason: str, partials: dict[TurnId, str]) -> TurnId | None:
        """T8: end the first turn of the session that has not ended, which is the one that runs; those after it go on.

        `partials` is text that is newer than the last checkpoint. None: there is nothing to cancel.
        """
        with open_log(tx, session_id) as log:
            open_turns = turn_repository.list_open_turns(tx.connection, log.session.id)[:1]
            self._cancel(tx, log, open_turns, reason=reason, partials=partials)
            self.publish_after_commit(tx, log)
            return open_turns[0].id if open_turns else None

    def change_status(
        self,
        tx: Transaction,
        session_id: str,
        status: SessionStatus,
        *,
        partials: dict[TurnId, str],
        reason: EscalationReason = EscalationReason.ASKED_FOR_PERSON,
    ) -> Session:
        """T10 and its way back: who answers from here on. Leaving `active` cancels the turns that have not ended; `escalated` opens a
        ticket with `reason`, so that no conversation waits for people unseen."""
        with open_log(tx, session_id) as log:
            if log.session.status is not status:
                if status is SessionStatus.ESCALATED:
                    self.escalate(tx, log, EscalationRequest(reason, Priority.NORMAL, ""), turn_id=None)
                self.change_mode(tx, log, status, partials=partials)
            self.publish_after_commit(tx, log)
        return log.session

    def _open_turn(self, tx: Transaction, log: SessionLog, place: Place, *, event: StoredEvent, worker: str | None) -> Turn | None:
        """Store the turn that a message opens, if it opens one. Returns it if `worker` could begin it at once."""
        if place.turn_id is None or not place.opens:
            return None
        waiting = waiting_turn(place.turn_id, event)
        begun = self._begun(log, waiting, worker=worker) if worker is not None and place.is_next else None
        turn_repository.insert_turn(tx, begun or waiting)
        return begun

    def _find_next_turn(self, tx: Transaction, log: SessionLog) -> Turn | None:
        """The first open turn that may be begun; those before it whose worker is gone, and that must not be tried again, are failed."""
        for turn in turn_repository.list_open_turns(tx.connection, log.session.id):
            if turn.state is TurnState.QUEUED:
                return turn
            if turn.lease_until is not None and turn.lease_until >= log.now:
                return None
            failure = self._hopeless(tx, turn, log.now)
            if failure is None:
                return turn
            log.raise_fence()
            self._fail(tx, log, turn, failure=failure)
            if log.has_left_ai():
                return None
        return None

    def _hopeless(self, tx: Transaction, turn: Turn, now: float) -> Failure | None:
        """Why a turn whose worker is gone must not be tried again; None when it may."""
        if self._give_up_effects(tx, turn):
            return NEEDS_PERSON
        if turn.attempt >= self.rules.max_attempts:
            return GAVE_UP
        if turn.deadline is not None and turn.deadline <= now:
            return TIMED_OUT
        return None

    @staticmethod
    def _give_up_effects(tx: Transaction, turn: Turn) -> bool:
        """State that nobody knows what came of the turn's actions that were begun and have no end; False when there are none."""
        unfinished = turn_repository.list_unfinished_effects(tx.connection, turn.id)
        for key in unfinished:
            turn_repository.end_tool_call(tx, key, state=ToolCallState.UNKNOWN, result=None)
        return bool(unfinished)

    def _begun(self, log: SessionLog, turn: Turn, *, worker: str) -> Turn:
        """The turn as it is once `worker` has begun it, which is yet to be stored. Shuts out whoever worked on it before."""
        fence = log.raise_fence()
        attempt = turn.attempt + 1
        event = log.append("started", {"turn_id": turn.id, "attempt": attempt}, turn_id=turn.id, attempt=attempt)
        return replace(
            turn,
            state=TurnState.RUNNING,
            attempt=attempt,
            fence=fence,
            lease_until=log.now + self.rules.lease_seconds,
            deadline=turn.deadline if turn.deadline is not None else log.now + self.rules.timeout_seconds,
            worker=worker,
            started_seq=event.seq,
            partial="",
        )

    def _fail(self, tx: Transaction, log: SessionLog, turn: Turn, *, failure: Failure) -> None:
        turn_repository.end_turn(tx, turn.id, fence=turn.fence, state=TurnState.FAILED, now=log.now, error_code=failure.code)
        if failure is NEEDS_PERSON:
            self.escalate(tx, log, UNCERTAIN_ACTION, turn_id=turn.id)
        data = {"turn_id": turn.id, "error": failure.code, "message": failure.message, "support": failure.support}
        self._end_with_partial(tx, log, turn, event_type="error", data=data)
        if failure is NEEDS_PERSON:
            self.change_mode(tx, log, SessionStatus.ESCALATED, partials={})

    def _cancel(self, tx: Transaction, log: SessionLog, open_turns: Sequence[Turn], *, reason: str, partials: dict[TurnId, str]) -> None:
        if open_turns:
            log.raise_fence()
        for turn in open_turns:
            if self._give_up_effects(tx, turn):
                # The customer goes on with the agent: only those behind the desk are told.
                self._open_ticket(tx, log, UNCERTAIN_ACTION, turn_id=turn.id)
            turn_repository.end_turn(tx, turn.id, fence=turn.fence, state=TurnState.CANCELLED, now=log.now, cancel_reason=reason)
            latest = replace(turn, partial=partials.get(turn.id, turn.partial))
            self._end_with_partial(tx, log, latest, event_type="cancelled", data={"turn_id": turn.id, "reason": reason})

    def _end_with_partial(self, tx: Transaction, log: SessionLog, turn: Turn, *, event_type: str, data: dict[str, Any]) -> None:
        message_id = new_message_id() if turn.partial else None
        event = log.append(event_type, {**data, "message_id": message_id, "partial": turn.partial}, turn_id=turn.id, attempt=turn.attempt)
        if message_id is not None:
            insert_message(
                tx,
                event,
                message_id,
                role=Author.ASSISTANT,
                content=turn.partial,
                status=MessageStatus.INCOMPLETE,
                data={"reason": data.get("error") or data.get("reason")},
            )

    def escalate(self, tx: Transaction, log: SessionLog, request: EscalationRequest, *, turn_id: TurnId | None) -> Ticket:
        """Open a ticket, and say so."""
        ticket = self._open_ticket(tx, log, request, turn_id=turn_id)
        log.append(
            "escalation",
            {"ticket_id": ticket.id, "reason": str(request.reason), "priority": str(request.priority), "turn_id": turn_id},
            turn_id=turn_id,
        )

        return ticket

    @staticmethod
    def _open_ticket(tx: Transaction, log: SessionLog, request: EscalationRequest, *, turn_id: TurnId | None) -> Ticket:
        return tickets.open_ticket(
            tx,
            session_id=log.session.id,
            turn_id=turn_id,
            reason=request.reason,
            priority=request.priority,
            summary=request.summary,
            brief=make_brief(repository.list_recent_messages(tx.connection, log.session.id, limit=_BRIEF_MESSAGES)),
            created_at=log.now,
        )

    def change_mode(self, tx: Transaction, log: SessionLog, status: SessionStatus, *, partials: dict[TurnId, str]) -> None:
        """Where the AI's part ends, so do its turns: what still waits belongs to whoever answers next."""
        log.set_status(status)
        if status is not SessionStatus.ESCALATED and (ticket := tickets.find_open_ticket(tx.connection, log.session.id)) is not None:
            end = TicketState.CLOSED if status is SessionStatus.ENDED else TicketState.RETURNED
            tickets.save_ticket(tx, ticket.ended(end, now=log.now))
        if status is not SessionStatus.ACTIVE:
            open_turns = turn_repository.list_open_turns(tx.connection, log.session.id)
            self._cancel(tx, log, open_turns, reason=f"session_{status}", partials=partials)
        log.append("mode", {"status": str(status)})

    def publish_after_commit(self, tx: Transaction, log: SessionLog) -> None:
        if log.appended:
            appended = tuple(log.appended)
            tx.after_commit(lambda: self._publish(appended))


def _to_claim(tx: Transaction, log: SessionLog, begun: Turn, *, messages: Sequence[Message]) -> Claim:
    assert begun.deadline is not None
    history_until = repository.find_last_seq_outside_turn(tx.connection, log.session.id, begun.id)
    return Claim(log.session, begun, messages=tuple(messages), history_until=history_until, seconds_left=begun.deadline - log.now)
