"""What is sent to an OpenAI-compatible endpoint: our request as the body of a chat completion.

The invariant: the same request gives the same body, apart from the `Dialect`, which holds what this one server was found not to know.
"""

from dataclasses import dataclass, replace
from typing import Any

from deskhand.models.port import ModelMessage, ModelRequest, Role, ToolCall, ToolSpec


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where servers differ. `reports_usage`: knows `stream_options`; `limit_field`: what it calls the limit of the output."""

    reports_usage: bool = True
    limit_field: str = "max_tokens"


def to_body(request: ModelRequest, *, dialect: Dialect) -> dict[str, Any]:
    """The body without `model` and `stream`, as JSON values."""
    body: dict[str, Any] = {"messages": [_message(message) for message in request.messages], dialect.limit_field: request.max_output_tokens}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if dialect.reports_usage:
        body["stream_options"] = {"include_usage": True}
    return body


def find_other_dialect(dialect: Dialect, *, complaint: str) -> Dialect | None:
    """What to try after a 400 or 422 that says `complaint`; None when it names nothing that we could say differently."""
    if dialect.reports_usage and ("stream_options" in complaint or "include_usage" in complaint):
        return replace(dialect, reports_usage=False)
    if dialect.limit_field == "max_tokens" and "max_completion_tokens" in complaint:
        return replace(dialect, limit_field="max_completion_tokens")
    return None


def _message(message: ModelMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.role is Role.TOOL:
        shown["tool_call_id"] = message.tool_call_id
    elif message.tool_calls:
        shown["content"] = message.content or None
        shown["tool_calls"] = [_call(call) for call in message.tool_calls]
    return shown


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}}
