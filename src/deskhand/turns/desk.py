"""What people behind the desk do with a conversation: each act is one function inside one transaction, under the session's log.

The invariant: from a takeover on, no word of the AI reaches the customer until a person gives the conversation back or resolves it. Taking
over ends the AI's turns and raises the fence in the transaction that assigns the ticket. Each change that the customer would notice is told
to them, in their language, in that same transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from deskhand.agent.run import EscalationRequest
from deskhand.errors import Conflict
from deskhand.handoff import repository as tickets
from deskhand.handoff.policy import EscalationReason, Priority
from deskhand.handoff.ticket import ConversationChanged, NotHandedOver, TakenByAnother, Ticket, TicketState
from deskhand.ids import MessageId, StaffId, TurnId, new_message_id, new_note_id
from deskhand.persistence import Transaction
from deskhand.sessions import Author, SessionEnded, SessionStatus, repository
from deskhand.sessions.log import SessionLog, open_log
from deskhand.texts import Texts, language_of, texts_for
from deskhand.turns.lifecycle import TurnLifecycle
from deskhand.turns.saying import describe_files, find_said_before, hash_body, insert_message

_LOOKED_BACK = 12
# A conversation that was given back so often in an hour, and came again each time, stays with people.
_MOST_RETURNS = 3
_RETURNS_SECONDS = 3_600.0

Told = Literal["assigned", "waiting", "snoozed", "returned", "resolved"]


class ReturnedTooOften(Conflict):
    """This conversation came back from the AI again and again."""

    code = "returned_too_often"
    support = "Answer it yourself, or resolve it."


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts: a person behind the desk, by the name that customers read."""

    id: StaffId
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message that is stored; `seq` is the number of its event."""

    message_id: MessageId
    seq: int
    duplicate: bool = False


@dataclass(slots=True)
class _Case:
    """A conversation while a transaction works on it. `ticket` is the open one; None while the AI has the conversation."""

    tx: Transaction
    log: SessionLog
    ticket: Ticket | None

    def handed_over(self) -> Ticket:
        """
        Raises:
            NotHandedOver: there is no open ticket.
        """
        if self.ticket is None:
            raise NotHandedOver
        return self.ticket

    def save(self, ticket: Ticket) -> Ticket:
        if ticket != self.ticket:
            self.ticket = tickets.save_ticket(self.tx, ticket)
        return ticket

    def tell(self, state: Told, say: Callable[[Texts], str], *, by: Operator | None = None) -> None:
        """Tell the customer, in the language of what they said last. While the AI has them, what becomes of a ticket is no news to them."""
        if self.log.session.status is not SessionStatus.ESCALATED:
            return
        recent = repository.list_recent_messages(self.tx.connection, self.log.session.id, limit=_LOOKED_BACK)
        said = next((message.content for message in reversed(recent) if message.role is Author.CUSTOMER and message.content), "")
        text = say(texts_for(language_of(said)))
        self.log.append(
            "handoff",
            {"state": state, "text": text, "ticket_id": self.handed_over().id, "agent_name": by.name if by else None},
        )


class Desk:
    def __init__(self, lifecycle: TurnLifecycle) -> None:
        self._lifecycle = lifecycle

    def claim(
        self,
        tx: Transaction,
        session_id: str,
        *,
        by: Operator,
        version: int | None = None,
        force: bool = False,
        partials: dict[TurnId, str],
    ) -> Ticket:
        """Take the conversation: from those who wait, from the AI, from a colleague with `force`, or again after its end. What the AI was
        saying is kept as incomplete; `partials` is newer than its last checkpoint.

        Raises:
            SessionNotFound; ConversationChanged: `version` is not the ticket's; TakenByAnother.
        """
        with self._case(tx, session_id, version=version) as case:
            ticket = case.ticket
            if ticket is None:
                request = EscalationRequest(EscalationReason.TAKEOVER, Priority.NORMAL, f"{by.name} took over.")
                ticket = case.ticket = self._lifecycle.escalate(tx, case.log, request, turn_id=None)
            if ticket.assignee_id not in (None, by.id) and not force:
                raise TakenByAnother(details={"assignee": ticket.assignee_name})
            self._take_from_ai(case, partials)
            return self._assign(case, by, ticket)

    def assign(self, tx: Transaction, session_id: str, *, to: Operator, version: int | None = None, partials: dict[TurnId, str]) -> Ticket:
        """Give a conversation with an open ticket to somebody. `partials` as for `claim`."""
        with self._case(tx, session_id, version=version) as case:
            ticket = case.handed_over()
            self._take_from_ai(case, partials)
            return self._assign(case, to, ticket)

    def release(self, tx: Transaction, session_id: str, *, version: int | None = None, skill: str | None = None) -> Ticket:
        """Let somebody else take it; `skill` says who can."""
        with self._case(tx, session_id, version=version) as case:
            before = case.handed_over()
            ticket = case.save(before.released(skill=skill))
            if ticket is not before and before.assignee_id is not None:
                case.tell("waiting", lambda texts: texts.person_left)
            return ticket

    def snooze(self, tx: Transaction, session_id: str, *, until: float, version: int | None = None) -> Ticket:
        """Put it aside until a moment (epoch seconds), or until the customer says something."""
        with self._case(tx, session_id, version=version) as case:
            ticket = case.save(case.handed_over().snoozed(until))
            case.tell("snoozed", lambda texts: texts.person_later)
            return ticket

    def wake(self, tx: Transaction, session_id: str) -> Ticket | None:
        """Bring back what was snoozed until now; None when there is nothing to bring back."""
        with self._case(tx, session_id) as case:
            ticket = case.ticket
            if ticket is None or ticket.snoozed_until is None or ticket.snoozed_until > case.log.now:
                return None
            return case.save(ticket.woken())

    def give_back(self, tx: Transaction, session_id: str, *, version: int | None = None) -> Ticket:
        """Let the AI answer from here on.

        Raises:
            ReturnedTooOften: it was, and came back, again and again.
        """
        with self._case(tx, session_id, version=version) as case:
            ticket = case.handed_over()
            since = case.log.now - _RETURNS_SECONDS
            if tickets.count_ended(tx.connection, ticket.session_id, state=TicketState.RETURNED, since=since) >= _MOST_RETURNS:
                raise ReturnedTooOften
            return self._end(case, TicketState.RETURNED, then=SessionStatus.ACTIVE)

    def resolve(self, tx: Transaction, session_id: str, *, end_session: bool = False, version: int | None = None) -> Ticket:
        """Close the case. What the customer writes next is answered by the AI, unless the session is ended."""
        with self._case(tx, session_id, version=version) as case:
            return self._end(case, TicketState.RESOLVED, then=SessionStatus.ENDED if end_session else SessionStatus.ACTIVE)

    def label(
        self,
        tx: Transaction,
        session_id: str,
        *,
        priority: Priority | None = None,
        tags: tuple[str, ...] | None = None,
        version: int | None = None,
    ) -> Ticket:
        with self._case(tx, session_id, version=version) as case:
            return case.save(case.handed_over().labelled(priority=priority, tags=tags))

    def mark_read(self, tx: Transaction, session_id: str) -> Ticket | None:
        """Note that somebody has seen what the customer said."""
        with self._case(tx, session_id) as case:
            return case.save(case.ticket.read()) if case.ticket is not None else None

    def note(self, tx: Transaction, session_id: str, *, by: Operator, text: str) -> None:
        """Keep a note that no customer sees."""
        with self._case(tx, session_id) as case:
            tickets.insert_note(
                tx,
                id=new_note_id(),
                session_id=case.log.session.id,
                author_id=by.id,
                author_name=by.name,
                text=text,
                created_at=case.log.now,
            )

    def say(
        self,
        tx: Transaction,
        session_id: str,
        *,
        by: Operator,
        content: str,
        client_message_id: str | None = None,
        attachment_ids: Sequence[str] = (),
    ) -> Said:
        """A person speaks to the customer. Whoever answers a conversation that nobody has, has it from then on.

        Raises:
            SessionEnded, MessageConflict, AttachmentNotFound; NotHandedOver: the AI has the conversation; TakenByAnother: a colleague has.
        """
        with self._case(tx, session_id) as case:
            log = case.log
            # A customer's own ids are theirs: another name keeps the two apart.
            sent_id = f"desk:{client_message_id}" if client_message_id is not None else None
            body_hash = hash_body(content, attachment_ids)
            if (before := find_said_before(tx, log.session, sent_id, body_hash=body_hash)) is not None:
                return Said(before.id, before.seq, duplicate=True)
            if log.session.status is SessionStatus.ENDED:
                raise SessionEnded
            ticket = case.handed_over()
            if log.session.status is SessionStatus.ACTIVE:
                raise NotHandedOver
            if ticket.assignee_id not in (None, by.id):
                raise TakenByAnother(details={"assignee": ticket.assignee_name})
            files = describe_files(tx, log.session, attachment_ids)
            ticket = self._assign(case, by, ticket.woken())
            message_id = new_message_id()
            event = log.append(
                "message",
                {
                    "message_id": message_id,
                    "author": "operator",
                    "author_name": by.name,
                    "content": content,
                    "client_message_id": client_message_id,
                    "attachments": files,
                },
            )
            insert_message(
                tx,
                event,
                message_id,
                role=Author.OPERATOR,
                content=content,
                client_message_id=sent_id,
                body_hash=body_hash,
                data={"author_id": by.id, "author_name": by.name} | ({"attachments": files} if files else {}),
            )
            case.save(ticket.answered(now=log.now))
            return Said(message_id, event.seq)

    @contextmanager
    def _case(self, tx: Transaction, session_id: str, *, version: int | None = None) -> Iterator[_Case]:
        with open_log(tx, session_id) as log:
            ticket = tickets.find_open_ticket(tx.connection, log.session.id)
            if version is not None:
                last = ticket or tickets.find_last_ticket(tx.connection, log.session.id)
                if last is None or last.version != version:
                    raise ConversationChanged(details=_present(last))
            yield _Case(tx, log, ticket)
            self._lifecycle.publish_after_commit(tx, log)

    def _take_from_ai(self, case: _Case, partials: dict[TurnId, str]) -> None:
        if case.log.session.status is not SessionStatus.ESCALATED:
            self._lifecycle.change_mode(case.tx, case.log, SessionStatus.ESCALATED, partials=partials)

    @staticmethod
    def _assign(case: _Case, to: Operator, ticket: Ticket) -> Ticket:
        assigned = ticket.assigned_to(to.id, to.name)
        if assigned is ticket:
            return case.save(ticket)
        case.log.raise_fence()
        case.save(assigned)
        case.tell("assigned", lambda texts: texts.person_joined.format(name=to.name), by=to)
        return assigned

    def _end(self, case: _Case, end: TicketState, *, then: SessionStatus) -> Ticket:
        ticket = case.save(case.handed_over().ended(end, now=case.log.now))
        if end is TicketState.RETURNED:
            case.tell("returned", lambda texts: texts.given_back)
        else:
            case.tell("resolved", lambda texts: texts.solved)
        if case.log.session.status is not then:
            self._lifecycle.change_mode(case.tx, case.log, then, partials={})
        return ticket


def _present(ticket: Ticket | None) -> dict[str, Any]:
    """What a person whose picture is old is shown."""
    if ticket is None:
        return {"state": "ai"}
    return {"state": ticket.state.name.lower(), "version": ticket.version, "assignee": ticket.assignee_name}
