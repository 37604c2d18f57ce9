"""The tool calls of one round of the model: checked, journalled, made, and turned into messages for the model.

The invariant: a call with arguments that do not fit its schema is never made, and a call that is made is journalled under its place in
the turn (round, position), which every attempt shares.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from deskhand.agent.deadline import Deadline
from deskhand.agent.errors import OutcomeUnknown, ToolFailed, ToolRefused
from deskhand.agent.findings import Findings
from deskhand.agent.registry import AnyTool, ToolDeps, ToolRegistry
from deskhand.agent.run import Replayed, Stage, ToolCallKey, ToolJournal
from deskhand.errors import DeskhandError
from deskhand.models.port import ModelMessage, Role, ToolCall
from deskhand.telemetry import Metrics

_SHOWN_ERROR_CHARACTERS = 500
_REFUSED = "not_called_for"


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A call of the model: either a tool with arguments that fit it, or what the model has to be told."""

    call: ToolCall
    tool: AnyTool | None
    arguments: msgspec.Struct | None
    problem: dict[str, Any] | None = None

    @property
    def stage(self) -> Stage:
        return "searching" if self.call.name == "search_knowledge" else "using_tool"


def check_calls(calls: list[ToolCall], registry: ToolRegistry, deps: ToolDeps) -> list[CheckedCall]:
    """Check the calls of a round. A call that was sent twice is made once; two calls under one id get ids of their own."""
    checked: list[CheckedCall] = []
    seen: dict[str, ToolCall] = {}
    for index, sent in enumerate(calls):
        if seen.get(sent.id) == sent:
            continue
        call = replace(sent, id=f"{sent.id or 'call'}-{index}") if sent.id in seen or not sent.id else sent
        seen[sent.id] = sent
        checked.append(_check(call, registry, deps))
    return checked


def _check(call: ToolCall, registry: ToolRegistry, deps: ToolDeps) -> CheckedCall:
    tool = registry.find(call.name, deps.tier)
    if tool is None:
        name = call.name[:80]
        return CheckedCall(
            call, None, None, _problem("unknown_tool", f"There is no tool {name!r}. There are: {', '.join(registry.names)}.")
        )
    try:
        return CheckedCall(call, tool, tool.read_arguments(call.arguments))
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        text = str(error)[:_SHOWN_ERROR_CHARACTERS]
        return CheckedCall(call, tool, None, _problem("invalid_arguments", f"{text}. Call it again with arguments that fit its schema."))


def as_model_message(text: str, checked: list[CheckedCall]) -> ModelMessage:
    """What the model said in this round, as it is sent back to it. Arguments that are no JSON are left out: servers refuse them."""
    calls = tuple(
        call.call if call.arguments is not None else replace(call.call, name=call.call.name[:80], arguments="{}") for call in checked
    )
    return ModelMessage(Role.ASSISTANT, text, tool_calls=calls)


async def make_call(
    checked: CheckedCall,
    *,
    key: ToolCallKey,
    deps: ToolDeps,
    journal: ToolJournal,
    findings: Findings,
    deadline: Deadline,
    tool_seconds: float,
) -> ModelMessage:
    """Make one call, or replay what an earlier attempt made of it.

    Raises:
        TurnTimeout: the turn's time ran out.
        OutcomeUnknown: it has an effect, and did not answer in time or was begun by an earlier attempt that did not record its end.
    """
    tool, arguments = checked.tool, checked.arguments
    if tool is None or arguments is None:
        return _tool_message(checked.call, checked.problem or {})
    with deadline.wait():
        begun = await journal.begin(key, arguments=msgspec.to_builtins(arguments), idempotent=tool.idempotent)
    if isinstance(begun, Replayed):
        result, failed = begun.result, begun.failed
        if tool.restore is not None and not failed:
            with deadline.wait():
                result = await tool.restore(deps, result)
    else:
        with deadline.wait():
            given = replace(deps, idempotency_key=begun.idempotency_key, has_read=bool(findings.passages))
            result, failed = await _make(tool, arguments, given, seconds=tool_seconds)
            await journal.finish(begun, result=result if failed else tool.kept(result), failed=failed)
    if failed and result["error"] == _REFUSED:
        findings.refused.append(tool.name)
        return _tool_message(checked.call, result)
    if tool.name not in findings.tools_used:
        findings.tools_used.append(tool.name)
    if failed:
        findings.failed_parts.append(tool.name)
        return _tool_message(checked.call, result)
    findings.succeeded.append((tool.name, result))
    return _tool_message(checked.call, tool.absorb(findings, result))


def count_calls(findings: Findings, metrics: Metrics) -> None:
    """Count what came of the calls of a run."""
    for outcome, names in (
        ("done", [name for name, _ in findings.succeeded]),
        ("failed", findings.failed_parts),
        ("refused", findings.refused),
    ):
        for name in names:
            metrics.tool_calls.labels(name, outcome).inc()


async def _make(tool: AnyTool, arguments: msgspec.Struct, deps: ToolDeps, *, seconds: float) -> tuple[dict[str, Any], bool]:
    try:
        async with asyncio.timeout(seconds):
            return await tool.call(deps, arguments), False
    except ToolRefused as error:
        return _problem(_REFUSED, str(error)), True
    except ToolFailed as error:
        return _problem("failed", str(error)), True
    except DeskhandError as error:
        return _problem(error.code, error.message), True
    except TimeoutError as error:
        if not tool.idempotent:
            # Its end stays unrecorded: whoever ends the turn tells a person.
            raise OutcomeUnknown from error
        return _problem("timed_out", f"The tool did not answer within {seconds:g} s."), True


def _problem(code: str, message: str) -> dict[str, Any]:
    return {"error": code, "message": message}


def _tool_message(call: ToolCall, content: dict[str, Any]) -> ModelMessage:
    return ModelMessage(Role.TOOL, msgspec.json.encode(content).decode(), tool_call_id=call.id)
