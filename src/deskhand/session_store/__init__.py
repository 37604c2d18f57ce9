"""What the agent keeps at hand for a live session. Nothing here is the truth: whatever is lost is rebuilt from the transcript."""

from deskhand.session_store.context import AgentContext, ContextMessage
from deskhand.session_store.in_memory import InMemorySessionStore
from deskhand.session_store.port import ContextTooLarge, SessionStore, SessionStoreStats, SessionStoreUnavailable

__all__ = [
    "AgentContext",
    "ContextMessage",
    "ContextTooLarge",
    "InMemorySessionStore",
    "SessionStore",
    "SessionStoreStats",
    "SessionStoreUnavailable",
]
