"""The embedded default: no model. It searches, quotes the sentences that answer, cites each, or says that it does not know.

The invariant: it writes nothing but text that stands in a passage and the fixed phrases of `texts`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import msgspec

from deskhand.models.port import (
    EndReason,
    ModelEnded,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    Role,
    TextDelta,
    ToolCall,
    ToolCallRequested,
)
from deskhand.models.quotation.blocks import Kind, Unit
from deskhand.models.quotation.choice import Choice, Evidence, choose, joined, lines_of
from deskhand.models.quotation.intents import SmallTalk, Understood, find_attachments, understand, without_attachments
from deskhand.models.quotation.offers import MOST_OFFERED, OFFER_FLOOR, chosen, offer
from deskhand.models.quotation.parts import parts_of
from deskhand.texts import Texts, language_of, texts_for

# The cosines of lines with a question that was asked after the customer's earlier messages, oldest first.
Compare = Callable[[str, Sequence[str], Sequence[str]], Awaitable[Sequence[float]]]

# Below this the quotations are likelier not to answer than to answer, and it says that it does not know.
CONFIDENCE_FLOOR = 0.5
_MOST_ATTACHMENTS = 3
_EARLIER_MESSAGES = 2
_SURE = 1.0


class _Passage(msgspec.Struct, frozen=True):
    """A passage as `search_knowledge` and `read_attachment` show it to a model."""

    n: int
    text: str
    title: str = ""
    section: str = ""
    score: float = 1.0


class _SearchResult(msgspec.Struct, frozen=True):
    passages: tuple[_Passage, ...]


class _FileResult(msgspec.Struct, frozen=True):
    filename: str
    text: str
    n: int | None = None


class _Fact(msgspec.Struct, frozen=True):
    text: str


class _FactsResult(msgspec.Struct, frozen=True):
    facts: tuple[_Fact, ...]


class QuotingModel:
    """A `ChatModel`. Its first step asks for tools, its second writes the answer from what they gave."""

    def __init__(self, *, confidence_floor: float = CONFIDENCE_FLOOR, compare: Compare | None = None) -> None:
        """`compare` tells lines that mean the same in other words; without it, words alone decide what is quoted."""
        self.name = "quoting"
        self._floor = confidence_floor
        self._compare = compare

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        said, before = _exchange(request.messages)
        question = chosen(said, before=before)
        understood = understand(question)
        if request.messages[-1].role is Role.TOOL:
            async for event in self._answer(request.messages, understood, question=question):
                yield event
            return
        calls = list(_calls(understood, files=_files(request.messages), offered={tool.name for tool in request.tools}))
        if calls:
            for call in calls:
                yield ToolCallRequested(call)
            yield ModelEnded(EndReason.TOOL_CALLS)
            return
        text, confidence = _without_tools(understood, texts_for(language_of(question, *_said_before(request.messages))))
        yield TextDelta(text)
        yield ModelEnded(EndReason.STOP, confidence=confidence)

    async def check(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """It holds nothing."""

    async def _answer(self, messages: Sequence[ModelMessage], understood: Understood, *, question: str) -> AsyncGenerator[ModelEvent, None]:
        asked, results = _results(messages)
        found = _Found.read(asked, results)
        # "iPhone?" is of no language; then those decide who said it, and what was found.
        language = language_of(question, *_said_before(messages), *(each.text for each in found.evidence_of(0)))
        texts = texts_for(language)
        paragraphs = list(_notes(asked, results, texts))
        confidence = _SURE
        if understood.question or understood.attachments:
            said = [without_attachments(message.content) for message in messages if message.role is Role.USER]
            earlier = said[:-1][-_EARLIER_MESSAGES:]
            parts = _parts(understood.question)
            choices = [
                await self._choose(part, found.evidence_of(place), earlier=earlier, language=language) for place, part in enumerate(parts)
            ]
            confidence = sum(choice.confidence for choice in choices) / len(choices)
            paragraphs.extend(self._said(choices, texts=texts, failed=found.failed))
        for at, paragraph in enumerate(paragraphs):
            yield TextDelta(paragraph if at == 0 else f"\n\n{paragraph}")
        yield ModelEnded(EndReason.STOP, confidence=round(confidence, 4))

    async def _choose(self, question: str, evidence: Sequence[Evidence], *, earlier: Sequence[str], language: str) -> Choice:
        cosines: Mapping[str, float] | None = None
        if self._compare is not None and question and any(each.score is not None for each in evidence):
            lines = lines_of(evidence)
            cosines = dict(zip(lines, await self._compare(question, earlier, lines), strict=True))
        return choose(question, evidence, earlier=earlier, language=language, cosines=cosines)

    def _said(self, choices: Sequence[Choice], *, texts: Texts, failed: bool) -> Iterator[str]:
        """What is said of each part of a question; of those without an answer once, at the end."""
        sure = [choice for choice in choices if choice.confidence >= self._floor and (choice.options or choice.quotations)]
        for choice in sure:
            if choice.options:
                yield "\n".join([texts.which, *(f"- {option.name} [{option.number}]" for option in choice.options)])
        yield from _quote(joined([choice for choice in sure if not choice.options]))
        if not sure:
            names = dict.fromkeys(name for choice in choices if choice.confidence >= OFFER_FLOOR for name in choice.nearest[:MOST_OFFERED])
            unsure = offer(list(names)[:MOST_OFFERED], texts) if names else texts.unknown
            yield texts.search_failed if failed else unsure
        elif len(sure) < len(choices):
            yield texts.unknown_part


@dataclass(frozen=True, slots=True)
class _Found:
    """What searches, in their order, and files brought. `failed`: nothing was found, because a tool failed."""

    searches: Sequence[Sequence[Evidence]]
    files: Sequence[Evidence]
    failed: bool

    @classmethod
    def read(cls, calls: Sequence[ToolCall], results: Mapping[str, str]) -> Self:
        searches: list[Sequence[Evidence]] = []
        files: list[Evidence] = []
        failed = False
        for call in calls:
            if call.name not in ("search_knowledge", "read_attachment"):
                continue
            evidence = _evidence(call.name, results.get(call.id, "{}"))
            failed = failed or evidence is None
            if call.name == "search_knowledge":
                searches.append(evidence or ())
            else:
                files.extend(evidence or ())
        return cls(searches, files, failed and not files and not any(searches))

    def evidence_of(self, part: int) -> list[Evidence]:
        """Of the question at this place, for which there was one search, or none where the tool was not offered."""
        return [*self.files, *(self.searches[part] if part < len(self.searches) else ())]


def _files(messages: Sequence[ModelMessage]) -> tuple[str, ...]:
    """The newest files of the conversation, those of the newest message first."""
    found = (name for message in reversed(messages) if message.role is Role.USER for name in find_attachments(message.content))
    return tuple(dict.fromkeys(found))[:_MOST_ATTACHMENTS]


def _calls(understood: Understood, *, files: Sequence[str], offered: set[str]) -> Iterator[ToolCall]:
    """What to ask for. `files` may answer a question that came after them."""
    wanted: list[tuple[str, dict[str, Any]]] = []
    if understood.forget:
        wanted.append(("forget", {}))
    if understood.recall:
        wanted.append(("recall", {}))
    if understood.fact is not None:
        wanted.append(("remember", {"fact": understood.fact[:500]}))
    if understood.question or understood.attachments:
        wanted.extend(("read_attachment", {"attachment_id": name}) for name in files)
    if understood.question:
        wanted.extend(("search_knowledge", {"query": part}) for part in _parts(understood.question))
    for number, (name, arguments) in enumerate(wanted):
        if name in offered:
            yield ToolCall(id=f"call_{number}", name=name, arguments=msgspec.json.encode(arguments).decode())


def _parts(question: str) -> tuple[str, ...]:
    return parts_of(question) if question else ("",)


def _notes(calls: Sequence[ToolCall], results: Mapping[str, str], texts: Texts) -> Iterator[str]:
    """What is said of what was remembered, recalled and forgotten."""
    for call in calls:
        result = results.get(call.id, "{}")
        match call.name:
            case "recall":
                facts = _decoded(result, _FactsResult)
                listed = [f"- {fact.text}" for fact in facts.facts] if facts else []
                yield "\n".join([texts.recalled, *listed]) if listed else texts.nothing_known
            case "remember":
                yield texts.remembered if "error" not in _decoded(result, dict[str, Any], {}) else texts.search_failed
            case "forget":
                forgotten = _decoded(result, dict[str, Any], {})
                yield texts.forgotten if forgotten.get("for") == "this customer" else texts.forgotten_in_session
            case _:
                continue


def _without_tools(understood: Understood, texts: Texts) -> tuple[str, float]:
    match understood.small_talk:
        case SmallTalk.GREETING:
            return texts.greeting, _SURE
        case SmallTalk.THANKS:
            return texts.thanks, _SURE
        case SmallTalk.GOODBYE:
            return texts.goodbye, _SURE
        case None:
            return (texts.unknown, 0.0) if understood.question else (texts.unclear, _SURE)


def _exchange(messages: Sequence[ModelMessage]) -> tuple[str, str]:
    """The customer's newest message, and what was answered just before it."""
    newest_first = reversed(messages)
    said = next((message.content for message in newest_first if message.role is Role.USER), "")
    return said, next((message.content for message in newest_first if message.role is Role.ASSISTANT), "")


def _said_before(messages: Sequence[ModelMessage]) -> Iterator[str]:
    """What the customer said before the newest message, the last first."""
    return islice((message.content for message in reversed(messages) if message.role is Role.USER), 1, None)


def _results(messages: Sequence[ModelMessage]) -> tuple[tuple[ToolCall, ...], dict[str, str]]:
    """The calls of the last round and what came of each."""
    results: dict[str, str] = {}
    for message in reversed(messages):
        if message.role is not Role.TOOL:
            return message.tool_calls, results
        results[message.tool_call_id or ""] = message.content
    return (), results


def _evidence(tool: str, result: str) -> list[Evidence] | None:
    """The passages of a result; None when the tool failed."""
    if tool == "read_attachment":
        file = _decoded(result, _FileResult)
        if file is None:
            return None
        return [Evidence(file.n, file.text, file.filename, "", None)] if file.n is not None else []
    search = _decoded(result, _SearchResult)
    if search is None:
        return None
    return [Evidence(found.n, found.text, found.title, found.section, found.score) for found in search.passages]


def _decoded(text: str, kind: Any, otherwise: Any = None) -> Any:
    """The result as `kind`; `otherwise` when it is an error of the tool instead."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        return otherwise


def _quote(choice: Choice) -> Iterator[str]:
    """The quotations as Markdown, each with its citation behind it."""
    for quotation in choice.quotations:
        marker = f"[{quotation.number}]"
        previous: Unit | None = None
        text = ""
        for unit in quotation.units:
            if previous is not None:
                text += _between(previous, unit)
            text += unit.text
            previous = unit
        if previous is None:
            continue
        tight = previous.kind in (Kind.SENTENCE, Kind.STEP, Kind.ITEM)
        yield f"{text} {marker}" if tight else f"{text}\n\n{marker}"


def _between(previous: Unit, unit: Unit) -> str:
    if previous.block == unit.block:
        return " " if unit.kind is Kind.SENTENCE else "\n"
    return "\n\n"
