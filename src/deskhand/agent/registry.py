"""What a tool is, and which tools an agent has.

The invariant: a tool learns who the customer is from `ToolDeps`, which comes from the session. No argument of a model names a customer.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeVar

import msgspec

from deskhand.agent.findings import Findings
from deskhand.errors import ConfigurationError
from deskhand.ids import SessionId, UserId
from deskhand.knowledge import KnowledgeService
from deskhand.memory import MemoryService
from deskhand.models.port import ToolSpec
from deskhand.sessions import SessionService

_LONGEST_ARGUMENTS = 65_536

ArgumentsT = TypeVar("ArgumentsT", bound=msgspec.Struct)


class Tier(IntEnum):
    """How sure we are of who the customer is."""

    VISITOR = 0
    CUSTOMER = 1


@dataclass(frozen=True, slots=True)
class ToolDeps:
    """What a tool may use, for one call. `words` are the customer's messages of this turn, `earlier` those before it, oldest first.

    `has_read`: the model was shown passages or files in this turn, which may have made it call the tool.
    """

    session_id: SessionId
    user_id: UserId | None
    idempotency_key: str
    sessions: SessionService
    knowledge: KnowledgeService
    memory: MemoryService
    passages: int
    words: tuple[str, ...]
    earlier: tuple[str, ...]
    notes: tuple[str, ...]
    has_read: bool = False

    @property
    def tier(self) -> Tier:
        return Tier.VISITOR if self.user_id is None else Tier.CUSTOMER


def keep_result(result: dict[str, Any]) -> dict[str, Any]:
    """The `kept` of a tool whose result is journalled as it is."""
    return result


def show_result(_findings: Findings, result: dict[str, Any]) -> dict[str, Any]:
    """The `absorb` of a tool whose result is for the model alone."""
    return result


@dataclass(frozen=True, slots=True)
class Tool(Generic[ArgumentsT]):
    """A tool the model may call.

    `call` does the work and returns a JSON object; it raises `ToolRefused`, `ToolFailed` or a `DeskhandError` for what the model has to
    cope with. `absorb` folds that object, fresh or replayed, into the findings, and returns what the model is shown of it. `kept` is what
    of it is journalled, and `restore` makes of that, for a replay, what the customer may be told of it now.
    """

    name: str
    description: str
    arguments: type[ArgumentsT]
    call: Callable[[ToolDeps, ArgumentsT], Awaitable[dict[str, Any]]]
    idempotent: bool
    lowest_tier: Tier = Tier.VISITOR
    absorb: Callable[[Findings, dict[str, Any]], dict[str, Any]] = show_result
    kept: Callable[[dict[str, Any]], dict[str, Any]] = keep_result
    restore: Callable[[ToolDeps, dict[str, Any]], Awaitable[dict[str, Any]]] | None = None

    @property
    def spec(self) -> ToolSpec:
        schema = msgspec.json.schema(self.arguments)
        own = schema["$defs"].pop(self.arguments.__name__)
        parameters = {key: value for key, value in own.items() if key != "title"}
        if schema["$defs"]:
            parameters["$defs"] = schema["$defs"]
        return ToolSpec(name=self.name, description=self.description, parameters=parameters)

    def read_arguments(self, written: str) -> ArgumentsT:
        """Raises msgspec.ValidationError or msgspec.DecodeError, with words the model can act on."""
        if len(written) > _LONGEST_ARGUMENTS:
            raise msgspec.ValidationError(f"The arguments are longer than {_LONGEST_ARGUMENTS} characters")
        return msgspec.json.decode(written.encode("utf-8", "surrogatepass") or b"{}", type=self.arguments)


AnyTool = Tool[Any]


class ToolRegistry:
    """The tools that are switched on, by name."""

    def __init__(self, tools: Sequence[AnyTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._specs = {tier: tuple(tool.spec for tool in tools if tool.lowest_tier <= tier) for tier in Tier}

    @classmethod
    def choose(cls, tools: Sequence[AnyTool], names: Sequence[str]) -> "ToolRegistry":
        """The named ones among `tools`.

        Raises:
            ConfigurationError: a name that is no tool's.
        """
        unknown = [name for name in names if name not in {tool.name for tool in tools}]
        if unknown:
            raise ConfigurationError(
                f"DESKHAND_AGENT_TOOLS names {', '.join(repr(name) for name in unknown)}, which is no tool.",
                support=f"Choose from: {', '.join(tool.name for tool in tools)}.",
            )
        return cls([tool for tool in tools if tool.name in names])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tools)

    @property
    def purposes(self) -> dict[str, str]:
        """What each tool is for, by its name."""
        return {name: tool.description for name, tool in self._tools.items()}

    def specs(self, tier: Tier) -> tuple[ToolSpec, ...]:
        """What a model that serves a customer of this tier is offered."""
        return self._specs[tier]

    def find(self, name: str, tier: Tier) -> AnyTool | None:
        tool = self._tools.get(name)
        return tool if tool is not None and tool.lowest_tier <= tier else None
