"""What every session store offers. Two implementations pass one contract (`tests/session_store`): in memory and Redis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from deskhand.errors import PartDown
from deskhand.session_store.context import AgentContext

# Far above any conversation that fits a model.
MAX_BYTES: Final = 1_048_576

Change = Callable[[AgentContext | None], AgentContext | None]


class SessionStoreUnavailable(PartDown):
    """The session store does not answer. The agent then works from the transcript."""

    code = "session_store_unavailable"


class ContextTooLarge(SessionStoreUnavailable):
    """The context is larger than the store keeps. Nothing was stored; the agent works from the transcript."""

    code = "session_context_too_large"


@dataclass(frozen=True, slots=True)
class SessionStoreStats:
    """`live` and `size_bytes` are None where counting them would mean reading everything. `discarded`: payloads that were no context."""

    kind: str
    hits: int
    misses: int
    evictions: int
    discarded: int
    errors: int
    live: int | None
    size_bytes: int | None


class SessionStore(Protocol):
    """Contexts by session id. An entry lives `default_ttl` seconds from when it was set; `None` means that there is none (any more).

    Every method raises `SessionStoreUnavailable` when the store cannot be asked; `set` and `update` raise `ContextTooLarge`, and store
    nothing, when the context has more bytes than the store keeps of one.
    """

    default_ttl: float

    async def get(self, session_id: str) -> AgentContext | None: ...

    async def set(self, session_id: str, context: AgentContext, *, ttl_seconds: float | None = None) -> None: ...

    async def update(self, session_id: str, change: Change, *, renew: bool = False) -> AgentContext | None:
        """Replace what is stored by what `change` makes of it, atomically, and return that.

        `change` is given None when nothing is stored; returning None stores nothing and leaves what is there. It may be called again when
        somebody else wrote meanwhile, so it must be pure. The remaining life is kept unless `renew`.
        """
        ...

    async def increment(self, session_id: str, counter: str, by: int = 1) -> int | None:
        """Add to one of the context's counters, atomically, and return its value. None: no context is stored, nothing was counted.

        Raises:
            ValueError: no name of a counter, which is 1 to 40 of a-z, 0-9 and _.
        """
        ...

    async def delete(self, session_id: str) -> bool: ...

    async def exists(self, session_id: str) -> bool: ...

    async def list_sessions(self, *, limit: int = 1000) -> list[str]:
        """Ids of live sessions, in no order."""
        ...

    async def count(self) -> int:
        """How many sessions are live."""
        ...

    async def ping(self) -> bool:
        """Whether the store answers now. Raises nothing."""
        ...

    async def get_stats(self) -> SessionStoreStats: ...

    async def close(self) -> None: ...
