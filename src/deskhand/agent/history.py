"""The transcript folded into a context. Pure.

The invariant: folding a session's messages one turn at a time or all at once gives the same context, so one that was lost is rebuilt as
it was, as far back as it reaches.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from deskhand.agent.conversation import describe_file
from deskhand.agent.run import Answered
from deskhand.ids import TurnId
from deskhand.session_store import AgentContext, ContextMessage
from deskhand.sessions.model import Author, Message, MessageStatus

_ROLES: dict[Author, Literal["customer", "assistant", "operator"]] = {
    Author.CUSTOMER: "customer",
    Author.ASSISTANT: "assistant",
    Author.OPERATOR: "operator",
}
_MOST_NOTES = 50
# To the model, in the place of an answer.
WITHDRAWN = "(This answer is left out: the documents that it was taken from were changed or withdrawn since. Search again.)"

# Keys of an answer's metadata, which is stored with it and read back here.
ANSWERED = "answered"
REMEMBERED = "remembered"
FORGOT_NOTES = "forgot_notes"


@dataclass(frozen=True, slots=True)
class Bounds:
    messages: int
    characters: int


def before_turn(messages: Sequence[Message], turn_id: TurnId | None) -> list[Message]:
    """Those messages that are history when `turn_id` is about to be answered, turn by turn.

    Neither what the turn itself answers, nor what a customer sent later and waits for its own turn. An answer stands behind all it
    answers, although a message of the next turn may have come between.
    """
    own = max((message.seq for message in messages if message.turn_id == turn_id), default=0)
    past = [
        message
        for message in messages
        if turn_id is None or (message.turn_id != turn_id and not (message.role is Author.CUSTOMER and message.seq > own))
    ]
    first_seq: dict[TurnId, int] = {}
    for message in past:
        if message.turn_id is not None:
            first_seq.setdefault(message.turn_id, message.seq)
    return sorted(past, key=lambda message: (first_seq[message.turn_id] if message.turn_id is not None else message.seq, message.seq))


def fold(context: AgentContext, messages: Iterable[Message], bounds: Bounds) -> AgentContext:
    """The context with these messages added, oldest first, and cut to its bounds."""
    kept = list(context.messages)
    notes = context.notes
    unanswered = context.unanswered_in_a_row
    last_seq = context.last_seq
    last_turn_id = context.last_turn_id
    for message in messages:
        last_seq = max(last_seq, message.seq)
        last_turn_id = message.turn_id or last_turn_id
        role = _ROLES.get(message.role)
        if role is not None and (message.content or message.data.get("attachments")):
            kept.append(_remembered(message, role))
        if role == "assistant":
            metadata: dict[str, Any] = message.data.get("metadata", {})
            handed_over = message.data.get("requires_escalation", False)
            unanswered = 0 if handed_over else unanswered_after(unanswered, metadata.get(ANSWERED))
            notes = _notes_after(notes, metadata)
    return msgspec.structs.replace(
        context,
        last_seq=last_seq,
        last_turn_id=last_turn_id,
        messages=_bounded(kept, bounds),
        notes=notes,
        unanswered_in_a_row=unanswered,
    )


def fold_turn(
    context: AgentContext, *, turn_id: TurnId, said: Sequence[Message], answered: Answered, last_seq: int, bounds: Bounds
) -> AgentContext:
    """The context with one answered turn added; as it is when the turn is in it already."""
    if context.last_turn_id == turn_id:
        return context
    added = [_remembered(message, "customer") for message in said if message.content or message.data.get("attachments")]
    cites = _cites([source.metadata for source in answered.sources])
    added.append(ContextMessage(role="assistant", text=answered.text, cites=cites))
    unanswered = unanswered_after(context.unanswered_in_a_row, answered.metadata.get(ANSWERED))
    return msgspec.structs.replace(
        context,
        last_seq=max(context.last_seq, last_seq),
        last_turn_id=turn_id,
        messages=_bounded([*context.messages, *added], bounds),
        notes=_notes_after(context.notes, answered.metadata),
        # Whoever took over has answered for what went before: only new failures hand over again.
        unanswered_in_a_row=0 if answered.escalation is not None else unanswered,
    )


def _remembered(message: Message, role: Literal["customer", "assistant", "operator"]) -> ContextMessage:
    files = tuple(describe_file(file["attachment_id"], file["filename"]) for file in message.data.get("attachments", ()))
    return ContextMessage(
        role=role,
        text=message.content,
        interrupted=message.status is MessageStatus.INCOMPLETE,
        files=files,
        cites=_cites([source["metadata"] for source in message.data.get("sources", ())]),
    )


def _cites(sources: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((source["document_id"], source["chunk_id"]) for source in sources if "chunk_id" in source)


def cited(context: AgentContext) -> set[tuple[str, int]]:
    """The documents and chunks that what was answered before was taken from."""
    return {cite for message in context.messages for cite in message.cites}


def without_withdrawn(context: AgentContext, current: AbstractSet[tuple[str, int]]) -> AgentContext:
    """The context without the words of answers from what is not among `current` any more: a model would repeat them."""
    kept = tuple(
        message if current >= set(message.cites) else msgspec.structs.replace(message, text=WITHDRAWN, interrupted=False)
        for message in context.messages
    )
    return msgspec.structs.replace(context, messages=kept)


def _notes_after(notes: tuple[str, ...], metadata: dict[str, Any]) -> tuple[str, ...]:
    kept = [] if metadata.get(FORGOT_NOTES) else list(notes)
    kept.extend(note for note in metadata.get(REMEMBERED, ()) if note not in kept)
    return tuple(kept[-_MOST_NOTES:])


def unanswered_after(unanswered: int, answered: bool | None) -> int:
    """How many turns in a row found no answer, after one more. None: the turn asked for none, such as a thank-you."""
    if answered is None:
        return unanswered
    return 0 if answered else unanswered + 1


def _bounded(messages: list[ContextMessage], bounds: Bounds) -> tuple[ContextMessage, ...]:
    kept = messages[-bounds.messages :]
    left = bounds.characters
    for at in range(len(kept) - 1, -1, -1):
        left -= len(kept[at].text)
        if left < 0:
            # The newest message always stays, cut if it must be.
            newest = kept[-1:] if at == len(kept) - 1 else []
            cut = [msgspec.structs.replace(message, text=message.text[: bounds.characters]) for message in newest]
            return tuple(cut or kept[at + 1 :])
    return tuple(kept)
