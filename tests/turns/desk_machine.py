"""People behind the desk among the steps of the turn machine: they take over, speak, put aside, give back and resolve, at any moment.

A rule looks at what is committed, says by itself what must come of the act, acts, and compares. The invariant folds the events that a
customer reads and compares them with the tickets: what people did must have been told, and the AI must have kept silent.
"""

from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis.stateful import invariant, rule

from deskhand.errors import DeskhandError
from deskhand.handoff import repository as tickets
from deskhand.handoff.ticket import ConversationChanged, NotHandedOver, TakenByAnother, Ticket, TicketState
from deskhand.ids import SessionId, StaffId
from deskhand.sessions import SessionEnded, SessionStatus
from deskhand.turns.desk import Desk, Operator, ReturnedTooOften
from handoff.stored import list_tickets
from turns.history import History, read_history
from turns.machine import Dies, Index, Text, TurnMachine
from turns.reference import ModelSession

PEOPLE = (Operator(StaffId("staff_1"), "Ana"), Operator(StaffId("staff_2"), "Bo"))
_AI = frozenset({"started", "complete"})


@dataclass(slots=True)
class _Told:
    """What a customer has read of who has their conversation."""

    agent: str | None = None
    with_people: bool = False


class DeskMachine(TurnMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.lifecycle)

    @rule(
        which=Index,
        who=st.sampled_from(PEOPLE),
        force=st.booleans(),
        is_stale=st.sampled_from([False, False, False, True]),
        has_newer_text=st.booleans(),
        dies=st.sampled_from([False, False, False, True]),
    )
    def take(self, which: int, who: Operator, force: bool, is_stale: bool, has_newer_text: bool, dies: bool) -> None:
        session = self._session(which)
        before = self._ticket(session)
        partials = self._newer_text(session) if has_newer_text else {}
        refusal: type[Exception] | None = None
        if is_stale:
            refusal = ConversationChanged
        elif before is not None and before.assignee_id not in (None, who.id) and not force:
            refusal = TakenByAnother
        elif dies:
            refusal = Dies

        def act(tx: object) -> Ticket:
            taken = self.desk.claim(
                tx,
                session.id,
                by=who,
                version=-1 if is_stale else None,
                force=force,
                partials=partials,
            )
            if dies:
                raise Dies
            return taken

        if self._refused(act, refusal):
            return
        after = self._ticket(session)
        assert after is not None
        assert (after.state, after.assignee_id) == (TicketState.ASSIGNED, who.id)
        if session.status is not SessionStatus.ESCALATED:
            for turn in session.open_turns():
                turn.partial = partials.get(turn.id, turn.partial)
            session.leave_ai(SessionStatus.ESCALATED)

    @rule(which=Index, who=st.sampled_from(PEOPLE), content=Text, sent=st.sampled_from([None, "same"]))
    def speak(self, which: int, who: Operator, content: str, sent: str | None) -> None:
        session = self._session(which)
        before = self._ticket(session)
        if sent is not None:
            content = f"said by {session.id}"
        refusal: type[Exception] | None = None
        known = [message for message in self._history(session).messages if message.client_message_id == f"desk:{sent}"]
        if sent is None or not known:
            if session.status is SessionStatus.ENDED:
                refusal = SessionEnded
            elif session.status is SessionStatus.ACTIVE or before is None:
                refusal = NotHandedOver
            elif before.assignee_id not in (None, who.id):
                refusal = TakenByAnother
        if self._refused(lambda tx: self.desk.say(tx, session.id, by=who, content=content, client_message_id=sent), refusal):
            return
        said = [message for message in self._history(session).messages if message.role == "operator"]
        assert content in [message.content for message in said]
        if sent is not None:
            assert [message.content for message in said].count(content) == 1, "a repeated send was stored again"

    @rule(which=Index, act=st.sampled_from(["release", "snooze", "wake"]), seconds=st.sampled_from([0.0, 3_600.0]))
    def put_aside(self, which: int, act: str, seconds: float) -> None:
        session = self._session(which)
        before = self._ticket(session)
        if act == "wake":
            self.store.write(lambda tx: self.desk.wake(tx, session.id))
            return
        refusal = NotHandedOver if before is None else None
        if act == "release":
            self._refused(lambda tx: self.desk.release(tx, session.id), refusal)
            expected = TicketState.WAITING
        else:
            until = self.store.now + seconds
            self._refused(lambda tx: self.desk.snooze(tx, session.id, until=until), refusal)
            expected = TicketState.SNOOZED
        after = self._ticket(session)
        assert (after.state if after else None) == (expected if before else None)

    @rule(which=Index, act=st.sampled_from(["return", "resolve", "resolve and end"]))
    def let_go(self, which: int, act: str) -> None:
        session = self._session(which)
        before = self._ticket(session)
        refusal: type[Exception] | None = NotHandedOver if before is None else None
        if act == "return":
            since = self.store.now - 3_600.0
            returned = [each for each in self._tickets(session) if each.state is TicketState.RETURNED and (each.ended_at or 0.0) >= since]
            if before is not None and len(returned) >= 3:
                refusal = ReturnedTooOften
            if self._refused(lambda tx: self.desk.give_back(tx, session.id), refusal):
                return
        elif self._refused(lambda tx: self.desk.resolve(tx, session.id, end_session=act != "resolve"), refusal):
            return
        assert self._ticket(session) is None
        status = SessionStatus.ENDED if act == "resolve and end" else SessionStatus.ACTIVE
        if session.status is not status:
            session.leave_ai(status)

    @rule(which=Index, who=st.sampled_from(PEOPLE), times=st.integers(1, 5))
    def bounce(self, which: int, who: Operator, times: int) -> None:
        """A conversation that comes back again and again, which random steps alone bring about too seldom."""
        for _ in range(times):
            self.take(which=which, who=who, force=True, is_stale=False, has_newer_text=False, dies=False)
            self.let_go(which=which, act="return")

    @rule(which=Index, who=st.sampled_from(PEOPLE))
    def speak_twice(self, which: int, who: Operator) -> None:
        """A reply whose answer was lost on the way, and that is sent again."""
        self.take(which=which, who=who, force=True, is_stale=False, has_newer_text=False, dies=False)
        for _ in range(2):
            self.speak(which=which, who=who, content="", sent="same")

    def _refused(self, act: object, refusal: type[Exception] | None) -> bool:
        refused: type[Exception] | None = None
        try:
            self.store.write(act)
        except (DeskhandError, Dies) as error:
            refused = type(error)
        assert refused is refusal, "an act was refused that had to be done, or done that had to be refused"
        return refused is not None

    def _ticket(self, session: ModelSession) -> Ticket | None:
        return self.store.write(lambda tx: tickets.find_open_ticket(tx.connection, SessionId(session.id)))

    def _tickets(self, session: ModelSession) -> list[Ticket]:
        return self.store.write(lambda tx: list_tickets(tx.connection, session.id))

    def _history(self, session: ModelSession) -> History:
        history = read_history(self.store.select, session.id)
        assert history is not None
        return history

    @invariant()
    def what_people_did_was_told_and_the_ai_kept_silent(self) -> None:
        for session in self.sessions:
            history = self._history(session)
            problems = check_desk(history, self._tickets(session))
            assert not problems, "\n".join(problems)


def check_desk(history: History, of_session: list[Ticket]) -> list[str]:
    """What is wrong between what the customer was told and what is recorded, as sentences; empty when all holds."""
    wrong = []
    told = _Told()
    for event in history.events:
        if event.type in _AI and told.with_people:
            wrong.append(f"S13: the AI speaks at {event.seq} after a person took over")
        if event.type == "handoff":
            told.agent = event.data["agent_name"] if event.data["state"] == "assigned" else told.agent
            told.with_people = event.data["state"] not in ("returned", "resolved")
            if event.data["state"] in ("returned", "resolved", "waiting"):
                told.agent = None
        elif event.type == "mode" and event.data["status"] != "escalated":
            told = _Told()
    is_open = [ticket for ticket in of_session if ticket.state.is_open]
    if len(is_open) > 1:
        wrong.append(f"{len(is_open)} tickets are open at once")
    if history.status == "escalated" and not is_open:
        wrong.append("the session waits for people, and no ticket says so")
    announced = {event.data["ticket_id"] for event in history.events if event.type == "escalation"}
    uncertain = {ticket.id for ticket in of_session if ticket.turn_id in {turn.id for turn in history.turns if turn.state == "cancelled"}}
    if silent := {ticket.id for ticket in of_session} - announced - uncertain:
        wrong.append(f"the hand-over {silent} was silent")
    for ticket in is_open:
        if ticket.assignee_id is not None and history.status != "escalated":
            wrong.append(f"{ticket.assignee_name} has a conversation that is {history.status}")
        if ticket.assignee_id is not None and told.agent != ticket.assignee_name:
            wrong.append(f"{ticket.assignee_name} has it, the customer was told of {told.agent}")
    return wrong
