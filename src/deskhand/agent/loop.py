"""The loop over the model: ask, show its text, make its calls, ask again, until it answers or a limit ends the turn.

The invariant: whatever the model does, the loop ends, with an answer or with an error that says which limit it was.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from deskhand.agent.citations import CitationStream
from deskhand.agent.deadline import Deadline
from deskhand.agent.errors import AnswerTruncated, TokenLimit, ToolLoop
from deskhand.agent.findings import Findings
from deskhand.agent.gating import GatedText
from deskhand.agent.options import AgentOptions
from deskhand.agent.prompts.evidence import render_withheld
from deskhand.agent.registry import ToolDeps, ToolRegistry
from deskhand.agent.run import Run, StageChanged, TextProduced, ToolCallKey
from deskhand.agent.tool_calls import as_model_message, check_calls, make_call
from deskhand.failpoints import Failpoint, reach
from deskhand.guard.untrusted_links import LinkFilter
from deskhand.models.port import (
    ChatModel,
    EndReason,
    ModelEmpty,
    ModelEnded,
    ModelMessage,
    ModelProtocolError,
    ModelRefused,
    ModelRequest,
    TextDelta,
    ToolCall,
    ToolCallRequested,
    UsageReported,
)

_CHARACTERS_PER_TOKEN = 4
# A server that ignores the limit it was given is stopped here.
_MOST_CHARACTERS_PER_TOKEN = 12
_FEWEST_OUTPUT_TOKENS = 16


@dataclass(slots=True)
class _Round:
    """What one request to the model gave. `text` is the model's own, before citations were renumbered."""

    text: list[str] = field(default_factory=list)
    characters: int = 0
    calls: list[ToolCall] = field(default_factory=list)
    tokens: int = 0
    ended: ModelEnded | None = None
    # What is put between this step's text and what was shown before it.
    break_before: str = ""


class AnswerLoop:
    """One run. After `stream` has ended, the other attributes say what came of it."""

    def __init__(
        self,
        *,
        model: ChatModel,
        registry: ToolRegistry,
        options: AgentOptions,
        run: Run,
        deps: ToolDeps,
        conversation: list[ModelMessage],
        deadline: Deadline,
        gate: GatedText | None,
    ) -> None:
        """`gate` examines what the model writes; `None` lets all of it pass."""
        self.findings = Findings()
        self.gate = gate
        if gate is not None:
            gate.watch(self.findings)
        self.links = LinkFilter(self._vouching, hosts=options.link_hosts)
        self.citations = CitationStream(self.findings.passages, links=self.links)
        self.confidence: float | None = None
        self.tokens = 0
        self.rounds = 0
        self.text: list[str] = []
        self._goes_on = False
        self._model = model
        self._registry = registry
        self._options = options
        self._run = run
        self._deps = deps
        self._conversation = conversation
        self._deadline = deadline
        self._calls = 0
        self._repairs = 0

    async def stream(self) -> AsyncGenerator[StageChanged | TextProduced, None]:
        """Run to the end of the answer.

        Raises:
            LimitReached: a subclass that says which limit.
            ModelError: the model's fault.
        """
        for step in range(self._options.max_rounds):
            self.rounds = step + 1
            spoken = _Round()
            if self.gate is not None:
                self.gate.begin_step(may_ask_again=step + 1 < self._options.max_rounds)
            async with aclosing(self._ask(spoken)) as events:
                async for event in events:
                    yield event
            if self.gate is not None and self.gate.withheld is not None:
                if not spoken.calls:
                    self._ask_again(self.gate, spoken)
                    continue
                # The calls may yet do what was said too early.
                self.gate.drop_withheld()
            self._check(spoken)
            if not spoken.calls:
                return
            async for stage in self._call(step, spoken):
                yield stage
        raise ToolLoop

    async def _ask(self, spoken: _Round) -> AsyncGenerator[StageChanged | TextProduced, None]:
        request = self._request()
        most_characters = request.max_output_tokens * _MOST_CHARACTERS_PER_TOKEN
        reach(Failpoint.MODEL_BEFORE_CALL)
        async with aclosing(self._model.stream(request)) as events:
            while True:
                try:
                    with self._deadline.wait():
                        event = await anext(events)
                except StopAsyncIteration:
                    break
                match event:
                    case TextDelta(text=text):
                        piece = text[: most_characters - spoken.characters]
                        for shown in self._write(spoken, piece):
                            yield shown
                        if self._is_withheld and not spoken.calls:
                            return
                        if len(piece) < len(text):
                            raise TokenLimit("The model did not stop writing.")
                    case ToolCallRequested(call=call):
                        spoken.calls.append(call)
                    case UsageReported():
                        spoken.tokens += event.input_tokens + event.output_tokens
                    case ModelEnded():
                        spoken.ended = event
                        break
        reach(Failpoint.MODEL_AFTER_CALL)
        for passed in self._pass(spoken, self.gate.flush() if self.gate is not None else ""):
            yield passed
        if rest := self.citations.flush():
            yield self._show(rest)

    @property
    def _is_withheld(self) -> bool:
        return self.gate is not None and self.gate.withheld is not None

    def _write(self, spoken: _Round, text: str) -> list[StageChanged | TextProduced]:
        """Take up a piece of the model's text; returns what may be shown because of it."""
        events: list[StageChanged | TextProduced] = []
        if not spoken.text:
            events.append(StageChanged("writing"))
            spoken.break_before = "\n\n" if self.text and not self._goes_on else ""
            self._goes_on = False
            if spoken.break_before and self.gate is not None:
                self.gate.begin_paragraph()
        spoken.text.append(text)
        spoken.characters += len(text)
        shown = text if self.gate is None else self.gate.feed(text)
        return [*events, *self._pass(spoken, shown)] if shown else events

    def _pass(self, spoken: _Round, text: str) -> list[TextProduced]:
        """What is to be shown of text that may be shown: its citations renumbered, and set apart from what was shown before."""
        if not text:
            return []
        events: list[TextProduced] = []
        if spoken.break_before:
            events.append(self._show(spoken.break_before))
            spoken.break_before = ""
        if shown := self.citations.feed(text):
            events.append(self._show(shown))
        return events

    def _vouching(self) -> list[str]:
        """The texts whose addresses may be linked to: of the company itself."""
        trusted = [passage for passage in self.findings.passages if passage.trusted]
        return [self._options.instructions, *(f"{passage.text} {passage.url or ''}" for passage in trusted)]

    def _show(self, text: str) -> TextProduced:
        self.text.append(text)
        return TextProduced(text)

    def _ask_again(self, gate: GatedText, spoken: _Round) -> None:
        """Tell the model what was withheld from the customer, and why. What was shown stays; a tool it asked for was not called."""
        withheld = gate.begin_again()
        system = self._conversation[0]
        note = render_withheld(withheld.sentence, withheld.problems, shown="".join(self.text))
        self._conversation[0] = replace(system, content=system.content + note)
        self._goes_on = bool(self.text)
        self._count_tokens(spoken)

    def _request(self) -> ModelRequest:
        left = self._options.max_total_tokens - self.tokens
        if left <= 0:
            raise TokenLimit
        offered = self._registry.specs(self._deps.tier) if self._repairs <= self._options.max_repairs else ()
        return ModelRequest(
            messages=tuple(self._conversation),
            tools=offered,
            max_output_tokens=max(_FEWEST_OUTPUT_TOKENS, min(self._options.max_output_tokens, left)),
            seconds_left=self._deadline.seconds_left,
        )

    def _check(self, spoken: _Round) -> None:
        """Count what the round cost, and raise what its end means."""
        self._count_tokens(spoken)
        if spoken.ended is None:
            raise ModelProtocolError("The model's answer was cut off.")
        self.confidence = spoken.ended.confidence
        match spoken.ended.reason:
            case EndReason.LENGTH:
                raise AnswerTruncated
            case EndReason.REFUSAL:
                raise ModelRefused
            case EndReason.STOP | EndReason.TOOL_CALLS:
                if not spoken.calls and not spoken.text and self.findings.escalation is None:
                    raise ModelEmpty

    def _count_tokens(self, spoken: _Round) -> None:
        written = sum(len(message.content) for message in self._conversation) + spoken.characters
        self.tokens += spoken.tokens or written // _CHARACTERS_PER_TOKEN

    async def _call(self, step: int, spoken: _Round) -> AsyncGenerator[StageChanged, None]:
        if self._repairs > self._options.max_repairs:
            raise ToolLoop("The model called tools that it was not offered.")
        checked = check_calls(spoken.calls, self._registry, self._deps)
        self._calls += len(checked)
        if self._calls > self._options.max_tool_calls:
            raise ToolLoop
        if any(call.problem is not None for call in checked):
            self._repairs += 1
        self._conversation.append(as_model_message("".join(spoken.text), checked))
        for index, call in enumerate(checked):
            if call.problem is None:
                yield StageChanged(call.stage, tool=call.call.name)
            message = await make_call(
                call,
                key=ToolCallKey(step=step, index=index, name=call.call.name),
                deps=self._deps,
                journal=self._run.journal,
                findings=self.findings,
                deadline=self._deadline,
                tool_seconds=self._options.tool_seconds,
            )
            self._conversation.append(message)
        if self.gate is not None:
            await self.gate.take_up()
