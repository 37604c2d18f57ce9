"""Tool calls arrive in pieces; this puts them together. The invariant: calls keep the order they began in, and no two share an id."""

import secrets
from typing import Final

import msgspec

from deskhand.models.port import ModelProtocolError, ToolCall

LARGEST_ARGUMENTS_BYTES: Final = 256 * 1024
_MOST_CALLS: Final = 64


class _FunctionDelta(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(msgspec.Struct, gc=False):
    """A piece of a tool call, as the wire has it. The first piece names the function."""

    index: int | None = None
    id: str | None = None
    function: _FunctionDelta | None = None


class _Part:
    __slots__ = ("arguments", "id", "index", "name", "size")

    def __init__(self, *, index: int | None, call_id: str | None) -> None:
        self.index = index
        self.id = call_id
        self.name = ""
        self.arguments: list[str] = []
        self.size = 0


class ToolCallParts:
    """The calls of one answer."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def add(self, delta: ToolCallDelta) -> None:
        """Add a piece to its call.

        Raises:
            ModelProtocolError: the arguments are larger than 256 KiB, there are more than 64 calls, or the piece belongs to none.
        """
        part = self._find(delta)
        if part is None:
            if len(self._parts) == _MOST_CALLS:
                raise ModelProtocolError("The model asked for too many tools at once.")
            part = _Part(index=delta.index, call_id=delta.id)
            self._parts.append(part)
        function = delta.function
        if function is None:
            return
        if function.name and not part.name:
            part.name = function.name
        if function.arguments:
            part.size += len(function.arguments)
            if part.size > LARGEST_ARGUMENTS_BYTES:
                raise ModelProtocolError("The model gave a tool more arguments than any tool takes.")
            part.arguments.append(function.arguments)

    def assemble(self, *, may_be_cut: bool) -> list[ToolCall]:
        """The calls. With `may_be_cut`, calls whose arguments are not whole JSON are left out: the limit of the output cut them.

        Raises:
            ModelProtocolError: a call without a name.
        """
        calls: list[ToolCall] = []
        seen: set[str] = set()
        for part in self._parts:
            arguments = "".join(part.arguments) or "{}"
            if may_be_cut and not _is_json(arguments):
                continue
            if not part.name:
                raise ModelProtocolError("The model asked for a tool without naming it.")
            # The result is matched to its call by id, so an id that is missing or used twice is replaced.
            call_id = part.id if part.id and part.id not in seen else f"call_{secrets.token_hex(8)}"
            seen.add(call_id)
            calls.append(ToolCall(id=call_id, name=part.name, arguments=arguments))
        return calls

    def _find(self, delta: ToolCallDelta) -> _Part | None:
        """The call this piece belongs to; None when it begins one.

        Some servers leave the index out, and some give every call index 0: an id that was not seen at that index begins a call.
        """
        if delta.index is not None:
            part = next((part for part in reversed(self._parts) if part.index == delta.index), None)
        else:
            part = self._parts[-1] if self._parts else None
        if part is None:
            return None
        if delta.id and part.id and delta.id != part.id:
            return next((part for part in self._parts if part.id == delta.id and part.index == delta.index), None)
        names_another = delta.index is None and delta.function is not None and bool(delta.function.name) and bool(part.name)
        return None if names_another and delta.id is None else part


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
