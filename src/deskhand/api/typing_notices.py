"""That an operator is typing, passed on to the customer's pages in all processes. The invariant: it is never stored."""

import msgspec

from deskhand.api import frames
from deskhand.api.assembled import Services

_TOPIC = "typing"
_FRAME = msgspec.json.encode(frames.TypingNotice("operator"))


def tell_operator_types(session_id: str, services: Services) -> None:
    services.notices.tell(_TOPIC, session_id.encode())


async def pass_on_typing(services: Services) -> None:
    """Tell the customer's WebSockets of this process; for ever."""
    with services.notices.hear(_TOPIC) as hearing:
        while True:
            notice = await hearing.next()
            if notice is not None:
                await services.streams.tell_others(notice.decode("utf-8", "replace"), _FRAME, teller=None)
