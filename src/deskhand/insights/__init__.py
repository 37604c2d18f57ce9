"""What is read across all conversations: the desk's lists as they change, what customers think, and numbers."""

from deskhand.insights.conversation import Conversation, ConversationState, View
from deskhand.insights.feed import Changed, Counted, Inbox, Listener, Removed, Typed, Update
from deskhand.insights.notice import Notice, NoticeKind
from deskhand.insights.opinions import AnswerNotFound, Feedback, Opinions, Rating
from deskhand.insights.overview import Day, Overview, Totals
from deskhand.insights.repository import Counts, Place, Wanted
from deskhand.insights.search_index import SearchIndex
from deskhand.insights.service import DeskReader, Listed, Opened

__all__ = [
    "AnswerNotFound",
    "Changed",
    "Conversation",
    "ConversationState",
    "Counted",
    "Counts",
    "Day",
    "DeskReader",
    "Feedback",
    "Inbox",
    "Listed",
    "Listener",
    "Notice",
    "NoticeKind",
    "Opened",
    "Opinions",
    "Overview",
    "Place",
    "Rating",
    "Removed",
    "SearchIndex",
    "Totals",
    "Typed",
    "Update",
    "View",
    "Wanted",
]
