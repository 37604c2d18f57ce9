"""What whoever takes a conversation up has to know before reading it. Pure: taken from the transcript, nothing is made up.

The shape: `wants`, the customer's own words; `tried`, what was answered, each as one line; `sources`, the documents those answers cite;
`open_actions`, what was begun and of which no end is known.
"""

from collections.abc import Sequence
from typing import Any

from deskhand.handoff.signals import wants_person
from deskhand.sessions import Author, Message, MessageStatus

_LONGEST = 280
_MOST = 5
# So short, a wish for a person says nothing of what it is about.
_BARE_WORDS = 9


def make_brief(messages: Sequence[Message]) -> dict[str, Any]:
    """The brief of a conversation, from its newest messages, oldest first."""
    said = [message.content for message in messages if message.role is Author.CUSTOMER and message.content]
    answers = [message for message in messages if message.role is Author.ASSISTANT and message.content]
    titles = [source["metadata"].get("title", "") for message in answers for source in message.data.get("sources", ())]
    unfinished = [message for message in answers if message.status is MessageStatus.INCOMPLETE]
    return {
        "wants": _line(next((text for text in reversed(said) if not _only_asks_for_person(text)), said[-1])) if said else "",
        "tried": [_line(message.content) for message in answers[-_MOST:] if message.status is MessageStatus.COMPLETE],
        "sources": list(dict.fromkeys(title for title in titles if title))[:_MOST],
        "open_actions": [_line(message.content) for message in unfinished[-_MOST:]],
    }


def _only_asks_for_person(text: str) -> bool:
    return len(text.split()) <= _BARE_WORDS and wants_person(text)


def _line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST else f"{joined[: _LONGEST - 1].rstrip()}…"
