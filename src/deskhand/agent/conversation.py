"""The conversation as a model is sent it: who it is, what was said, what is asked now."""

from collections.abc import Sequence

from deskhand.agent.prompts.system import render_notes
from deskhand.agent.run import CustomerMessage
from deskhand.guard.untrusted import clean, clean_name
from deskhand.models.port import ModelMessage, Role
from deskhand.session_store import AgentContext, ContextMessage
from deskhand.sessions.model import Attachment


def build_conversation(
    *, system: str, context: AgentContext, notes: tuple[str, ...], messages: Sequence[CustomerMessage], attachments: Sequence[Attachment]
) -> list[ModelMessage]:
    """The system prompt, the history, and the messages of this turn as one message of the customer."""
    conversation = [ModelMessage(Role.SYSTEM, system + render_notes(notes))]
    conversation.extend(_past(message) for message in context.messages)
    by_id = {attachment.id: attachment for attachment in attachments}
    said: list[str] = []
    for message in messages:
        parts = [clean(message.content).text] if message.content else []
        parts.extend(describe_file(by_id[id_].id, by_id[id_].filename) for id_ in message.attachments if id_ in by_id)
        said.append("\n".join(parts))
    conversation.append(ModelMessage(Role.USER, "\n\n".join(said)))
    return conversation


def describe_file(attachment_id: str, filename: str) -> str:
    """A file of the customer as a model is told of it."""
    return f"[Attached file {attachment_id}: {clean_name(filename)}]"


def _past(message: ContextMessage) -> ModelMessage:
    if message.role == "customer":
        return ModelMessage(Role.USER, "\n".join(part for part in (clean(message.text).text, *message.files) if part))
    if message.role == "operator":
        return ModelMessage(Role.ASSISTANT, f"(A colleague answered:) {message.text}")
    return ModelMessage(Role.ASSISTANT, f"{message.text} (interrupted)" if message.interrupted else message.text)
