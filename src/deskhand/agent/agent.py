"""The agent: answers one turn from the session's context, with tools. Owns the session store; writes no transcript, takes no lock.

The invariant: the texts a run yields, joined, are the text of its answer, and nothing the agent keeps is needed to answer again: the
context is rebuilt from the transcript whenever it is missing or behind.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from deskhand.agent import history
from deskhand.agent.answers import conclude, hand_over_at_once
from deskhand.agent.conversation import build_conversation
from deskhand.agent.deadline import Deadline
from deskhand.agent.framing import count_untrusted, notice_orders
from deskhand.agent.gating import GatedText, GateRules
from deskhand.agent.loop import AnswerLoop
from deskhand.agent.options import AgentOptions
from deskhand.agent.prompts.system import render_system_prompt
from deskhand.agent.registry import AnyTool, ToolDeps, ToolRegistry
from deskhand.agent.run import Answered, Run, RunEvent, SourcesFound, StageChanged, TextProduced
from deskhand.agent.tool_calls import count_calls
from deskhand.agent.tools import ALL_TOOLS
from deskhand.handoff.signals import read_signals
from deskhand.ids import SessionId, TurnId
from deskhand.knowledge import Audience, DocumentId, KnowledgeService, Quote
from deskhand.memory import MemoryService
from deskhand.models.port import ChatModel
from deskhand.session_store import AgentContext, SessionStore, SessionStoreUnavailable
from deskhand.sessions import Attachment, Message, SessionService
from deskhand.telemetry import Metrics
from deskhand.texts import language_of, texts_for

log = structlog.get_logger(__name__)

_FACTS_SHOWN = 20
_EARLIER_MESSAGES = 3


class CustomerSupportAgent:
    def __init__(
        self,
        *,
        model: ChatModel,
        session_store: SessionStore,
        sessions: SessionService,
        knowledge: KnowledgeService,
        memory: MemoryService,
        options: AgentOptions,
        tools: Sequence[AnyTool] = ALL_TOOLS,
        metrics: Metrics | None = None,
    ) -> None:
        """Raises ConfigurationError: `options.tools` names what is no tool."""
        self.model = model
        self.session_store = session_store
        self._sessions = sessions
        self._knowledge = knowledge
        self._memory = memory
        self._options = options
        self._registry = ToolRegistry.choose(tools, options.tools)
        self._system = render_system_prompt(company=options.company_name, instructions=options.instructions)
        self._metrics = metrics
        self._gate_rules = GateRules.create(options, self._registry, metrics=metrics)
        self._bounds = history.Bounds(messages=options.context_messages, characters=options.context_characters)

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools that are switched on."""
        return self._registry.names

    async def get_or_create_context(
        self, session_id: SessionId, *, before: TurnId | None = None, history_until: int | None = None
    ) -> AgentContext:
        """The session's context: from the store, or rebuilt from the transcript when the store has none or an older one.

        With `before`, what that turn is to answer is left out of it; `history_until` is the number of the newest message that is left.
        Costs at most one indexed read, however long the session is, and none when what is stored reaches as far as `history_until`.
        """
        stored = await self._find_stored(session_id)
        if stored is not None and history_until is not None and history_until <= stored.last_seq:
            return stored
        after_seq = stored.last_seq if stored else 0
        newer = await self._sessions.list_recent_messages(session_id, limit=self._options.context_messages, after_seq=after_seq)
        missed = history.before_turn(newer, before)
        if stored is not None and all(message.turn_id is not None and message.turn_id == stored.last_turn_id for message in missed):
            return stored
        if stored is not None:
            newer = await self._sessions.list_recent_messages(session_id, limit=2 * self._options.context_messages)
            missed = history.before_turn(newer, before)
        rebuilt = history.fold(AgentContext(session_id=session_id), missed, self._bounds)
        await self._store(session_id, rebuilt)
        return rebuilt

    async def answer(self, run: Run) -> AsyncGenerator[RunEvent, None]:
        """Answer one turn: texts as they come, then exactly one `Answered`.

        Raises:
            LimitReached: rounds, calls, tokens or time are used up, or the answer became too long.
            ModelError: the model's fault.
        """
        context = await self._without_withdrawn(
            await self.get_or_create_context(run.session_id, before=run.turn_id, history_until=run.history_until), run
        )
        words = tuple(message.content for message in run.messages)
        signals = read_signals(words)
        said_before = (message.text for message in reversed(context.messages) if message.role == "customer")
        language = language_of(*reversed(words), *said_before)
        texts = texts_for(language)
        rules = self._options.handoff
        handed_over = hand_over_at_once(signals, rules, texts=texts, words=words)
        if handed_over is not None:
            yield StageChanged("writing")
            yield TextProduced(handed_over.text)
            yield handed_over
            return

        deadline = Deadline(run.seconds_left)
        loop: AnswerLoop | None = None
        try:
            loop = await self._prepare(run, context, words=words, language=language, deadline=deadline)
            notice_orders("\n".join(words), findings=loop.findings)
            async with aclosing(loop.stream()) as events:
                async for event in events:
                    yield event
        finally:
            deadline.close()
            if loop is not None and self._metrics is not None:
                count_calls(loop.findings, self._metrics)

        # Everything is closed before the last events: a consumer may leave at `Answered` without closing this generator.
        addition, answered = conclude(
            loop,
            unanswered_before=context.unanswered_in_a_row,
            rules=rules,
            withheld=self._options.withheld,
            texts=texts,
            words=words,
        )
        if self._metrics is not None:
            count_untrusted(loop.findings, loop.links, self._metrics)
        if addition:
            yield TextProduced(addition)
        if answered.sources:
            yield SourcesFound(answered.sources)
        yield answered

    async def record_turn(
        self, session_id: SessionId, *, messages: Sequence[Message], answered: Answered, answer_seq: int | None = None
    ) -> None:
        """Bring the context up to date after a finished turn: what the customer said and the answer, whose number is `answer_seq`."""
        if not messages or messages[0].turn_id is None:
            return
        turn_id = messages[0].turn_id
        last_seq = answer_seq if answer_seq is not None else max(message.seq for message in messages)

        def add(context: AgentContext | None) -> AgentContext | None:
            # What is missing is rebuilt at the next turn, when more than this turn is needed.
            if context is None:
                return None
            return history.fold_turn(
                context,
                turn_id=turn_id,
                said=messages,
                answered=answered,
                last_seq=last_seq,
                bounds=self._bounds,
            )

        try:
            await self.session_store.update(session_id, add, renew=True)
        except SessionStoreUnavailable as error:
            log.warning("session_context_not_updated", session_id=session_id, code=error.code)

    async def cleanup_session(self, session_id: SessionId) -> None:
        """Free what is kept at hand for a session that was ended or deleted."""
        try:
            await self.session_store.delete(session_id)
        except SessionStoreUnavailable as error:
            # It goes when its time is over, and is never shown to another session.
            log.warning("session_context_not_deleted", session_id=session_id, code=error.code)

    async def cleanup(self) -> None:
        """Close the session store."""
        await self.session_store.close()

    async def _prepare(self, run: Run, context: AgentContext, *, words: tuple[str, ...], language: str, deadline: Deadline) -> AnswerLoop:
        attachments: list[Attachment] = []
        notes = context.notes
        with deadline.wait():
            for attachment_id in [id_ for message in run.messages for id_ in message.attachments]:
                attachments.append(await self._sessions.get_attachment(run.session_id, attachment_id))  # noqa: PERF401 - one after another
            if run.user_id is not None:
                notes = tuple(fact.text for fact in await self._memory.recall(run.user_id, limit=_FACTS_SHOWN))
        earlier = [message.text for message in context.messages if message.role == "customer"]
        deps = ToolDeps(
            session_id=run.session_id,
            user_id=run.user_id,
            idempotency_key="",
            sessions=self._sessions,
            knowledge=self._knowledge,
            memory=self._memory,
            passages=self._options.passages,
            words=words,
            earlier=tuple(earlier[-_EARLIER_MESSAGES:]),
            notes=notes,
        )
        return AnswerLoop(
            model=self.model,
            registry=self._registry,
            options=self._options,
            run=run,
            deps=deps,
            conversation=build_conversation(
                system=self._system, context=context, notes=notes, messages=run.messages, attachments=attachments
            ),
            deadline=deadline,
            gate=self._gate(context, words=words, language=language, notes=notes, attachments=attachments),
        )

    def _gate(
        self,
        context: AgentContext,
        *,
        words: tuple[str, ...],
        language: str,
        notes: tuple[str, ...],
        attachments: Sequence[Attachment],
    ) -> GatedText | None:
        if self._gate_rules is None:
            return None
        past = [message.text for message in context.messages if message.role == "customer"]
        names = [attachment.filename for attachment in attachments]
        answered = [message.text for message in context.messages if message.role != "customer"]
        return GatedText(
            self._gate_rules,
            said=[*words, *notes, *names, *past],
            earlier=answered,
            language=language,
        )

    async def _without_withdrawn(self, context: AgentContext, run: Run) -> AgentContext:
        cites = history.cited(context)
        if not cites:
            return context
        quotes = [Quote(DocumentId(document_id), chunk_id) for document_id, chunk_id in cites]
        current = await self._knowledge.find_current(quotes, audience=Audience.of_session(run.session_id, run.user_id))
        return history.without_withdrawn(context, {(quote.document_id, quote.chunk_id) for quote in current})

    async def _find_stored(self, session_id: SessionId) -> AgentContext | None:
        try:
            return await self.session_store.get(session_id)
        except SessionStoreUnavailable as error:
            log.warning("session_context_not_read", session_id=session_id, code=error.code)
            return None

    async def _store(self, session_id: SessionId, context: AgentContext) -> None:
        try:
            await self.session_store.set(session_id, context)
        except SessionStoreUnavailable as error:
            log.warning("session_context_not_stored", session_id=session_id, code=error.code)
