"""The tools that ship with Deskhand: one file each, one line here."""

from deskhand.agent.registry import AnyTool
from deskhand.agent.tools.escalate_to_human import escalate_to_human
from deskhand.agent.tools.forget import forget
from deskhand.agent.tools.read_attachment import read_attachment
from deskhand.agent.tools.recall import recall
from deskhand.agent.tools.remember import remember
from deskhand.agent.tools.search_knowledge import search_knowledge

ALL_TOOLS: tuple[AnyTool, ...] = (
    search_knowledge,
    read_attachment,
    remember,
    recall,
    forget,
    escalate_to_human,
)
