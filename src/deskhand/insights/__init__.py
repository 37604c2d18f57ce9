"""What is read across all conversations: the desk's lists as they change, what customers think, and numbers."""

from deskhand.insights.conversation import Conversation, ConversationState, View, answer_due_at
from deskhand.insights.feed import Changed, Counted, Inbox, Listener, Notice, NoticeKind, Removed, Typed, Update
from deskhand.insights.repository import Counts, Place, Wanted
from deskhand.insights.service import DeskReader, Listed, Opened

__all__ = [
    "Changed",
    "Conversation",
    "ConversationState",
    "Counted",
    "Counts",
    "DeskReader",
    "Inbox",
    "Listed",
    "Listener",
    "Notice",
    "NoticeKind",
    "Opened",
    "Place",
    "Removed",
    "Typed",
    "Update",
    "View",
    "Wanted",
    "answer_due_at",
]
