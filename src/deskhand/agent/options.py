"""What a company chose for its agent, as one value."""

from dataclasses import dataclass, field

from deskhand.guard.gate import GatePolicy, WithheldPolicy
from deskhand.handoff.policy import HandoffRules
from deskhand.settings import Settings

DEFAULT_TOOLS = ("search_knowledge", "read_attachment", "remember", "recall", "forget", "escalate_to_human")


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """`max_total_tokens` counts input and output of all rounds of a turn. `passages` is how many a search returns."""

    company_name: str = "our company"
    instructions: str = ""
    tools: tuple[str, ...] = DEFAULT_TOOLS
    max_rounds: int = 8
    max_tool_calls: int = 16
    max_repairs: int = 2
    max_output_tokens: int = 2_048
    max_total_tokens: int = 60_000
    tool_seconds: float = 20.0
    context_messages: int = 20
    context_characters: int = 40_000
    passages: int = 5
    link_hosts: tuple[str, ...] = ()
    gate: GatePolicy = GatePolicy.OFF
    withheld: WithheldPolicy = WithheldPolicy.SAY_LESS
    handoff: HandoffRules = field(default_factory=HandoffRules)

    @classmethod
    def from_settings(cls, settings: Settings) -> "AgentOptions":
        return cls(
            company_name=settings.company_name,
            instructions=settings.agent_instructions,
            tools=tuple(settings.agent_tools),
            max_rounds=settings.turn_max_rounds,
            max_tool_calls=settings.turn_max_tool_calls,
            max_output_tokens=settings.turn_max_output_tokens,
            max_total_tokens=settings.turn_max_total_tokens,
            context_messages=settings.context_messages,
            passages=settings.knowledge_passages,
            link_hosts=tuple(settings.link_hosts),
            gate=GatePolicy(settings.evidence_gate),
            withheld=WithheldPolicy(settings.evidence_withheld),
        )
