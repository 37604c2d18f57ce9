"""An answer that a person may edit and send: the agent answers what the customer said last, and nobody but that person sees it.

The invariant: drafting changes nothing. It has only tools that read, its own place for contexts, and no journal.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from deskhand.agent.agent import CustomerSupportAgent
from deskhand.agent.options import AgentOptions
from deskhand.agent.run import Answered, CustomerMessage, Run, Unrecorded
from deskhand.errors import Conflict
from deskhand.handoff.policy import HandoffRules
from deskhand.handoff.signals import read_signals
from deskhand.ids import new_turn_id
from deskhand.sessions import Author, Message, Session, SessionService

READING_TOOLS = frozenset({"search_knowledge", "read_attachment", "recall"})
_LOOKED_BACK = 20
_NEVER = 1_000_000


class NothingToAnswer(Conflict):
    """The customer has not asked anything yet."""

    code = "nothing_to_answer"
    support = "Wait for the customer's question."


def drafting_options(options: AgentOptions) -> AgentOptions:
    """As the company's, without what acts and without handing over: a person has the conversation already."""
    tools = tuple(tool for tool in options.tools if tool in READING_TOOLS)
    return replace(options, tools=tools, handoff=HandoffRules(on_anger=False, on_sensitive_matter=False, failures_in_a_row=_NEVER))


class Drafter:
    def __init__(self, agent: CustomerSupportAgent, sessions: SessionService, *, seconds: float) -> None:
        """`agent` has `drafting_options` and a session store of its own."""
        self._agent = agent
        self._sessions = sessions
        self._seconds = seconds

    async def draft(self, session: Session) -> Answered:
        """
        Raises:
            NothingToAnswer: the customer only asked for a person, or said nothing.
            LimitReached, ModelError: as of any answer.
        """
        recent = await self._sessions.list_recent_messages(session.id, limit=_LOOKED_BACK)
        asked = _last_question(recent)
        if asked is None:
            raise NothingToAnswer
        run = Run(
            session_id=session.id,
            user_id=session.customer_id,
            turn_id=new_turn_id(),
            attempt=1,
            messages=[CustomerMessage(asked.id, asked.content)],
            journal=Unrecorded(),
            seconds_left=self._seconds,
        )
        try:
            async with aclosing(self._agent.answer(run)) as events:
                async for event in events:
                    if isinstance(event, Answered):
                        return event
        finally:
            await self._agent.cleanup_session(session.id)
        raise AssertionError("a run that does not raise ends with its answer")


def _last_question(messages: Sequence[Message]) -> Message | None:
    """What the customer said last that is more than a wish for a person."""
    said = [message for message in messages if message.role is Author.CUSTOMER and message.content]
    return next((message for message in reversed(said) if not read_signals([message.content]).asked_for_person), None)
