"""The context of a live session as a value, checked field by field where it is read from outside.

What is not exactly this schema is thrown away and counted, never repaired.
"""

import re
from typing import Annotated, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=200_000)]
CounterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,40}$")]
_COUNTER = re.compile(r"[a-z0-9_]{1,40}")


class ContextMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message as the agent remembers it. `interrupted`: the answer was cut off; `files`: what came with it, as a model is told.

    `cites` are the documents and chunks of the knowledge base that an answer was taken from.
    """

    role: Literal["customer", "assistant", "operator"]
    text: Text
    interrupted: bool = False
    files: tuple[Text, ...] = ()
    cites: tuple[tuple[str, int], ...] = ()


class AgentContext(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the agent needs of a session to answer its next turn.

    `last_seq` is the number of the newest message known to be folded in, 0 for none, and `last_turn_id` the turn folded in last, all of
    which is folded in even where its number is greater. `messages` are the last ones, oldest first. `notes` is what an
    anonymous visitor asked to be remembered; it ends with the session. `unanswered_in_a_row` counts the last turns without an answer.
    """

    # First, because a script in Redis counts in it (`redis.py`).
    counters: dict[CounterName, int] = {}
    session_id: str
    last_seq: int = 0
    last_turn_id: str | None = None
    messages: tuple[ContextMessage, ...] = ()
    notes: tuple[Text, ...] = ()
    unanswered_in_a_row: int = 0


_encoder = msgspec.json.Encoder()


def counted(context: AgentContext, counter: str, by: int) -> AgentContext:
    """The context with `by` more in one of its counters.

    Raises:
        ValueError: no name of a counter.
    """
    check_counter(counter)
    counters = {**context.counters, counter: context.counters.get(counter, 0) + by}
    return msgspec.structs.replace(context, counters=counters)


def check_counter(name: str) -> None:
    """Raises ValueError: no name of a counter, which is 1 to 40 of a-z, 0-9 and _."""
    if not _COUNTER.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a counter")


def size_of(context: AgentContext) -> int:
    """Bytes of the context as JSON."""
    return len(_encoder.encode(context))
