"""A whole Deskhand in a folder of its own, filled with one set: the configured model and settings, none of the company's data.

The invariant: nothing of an evaluation reaches the real database, knowledge base or sessions, and nothing of those reaches it.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deskhand.agent.run import Answered, CustomerMessage, Run, Unrecorded
from deskhand.api.assembled import Services
from deskhand.composition import open_services
from deskhand.evaluation.sets import Question, SetUnreadable
from deskhand.ids import new_message_id, new_turn_id
from deskhand.knowledge import Audience, Passage, Progress, SourceDocument
from deskhand.session_store import AgentContext, ContextMessage
from deskhand.settings import Environment, Settings

Step = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""

_PASSAGES = 60


@dataclass(frozen=True, slots=True)
class Desk:
    services: Services

    async def search(self, question: Question, *, with_earlier: bool) -> list[Passage]:
        earlier = question.earlier if with_earlier else ()
        return await self.services.knowledge.search(question.text, limit=_PASSAGES, audience=Audience.public(), earlier=earlier)

    async def answer(self, question: Question) -> Answered:
        """What the agent says after the customer's earlier turns. Raises ModelError, LimitReached."""
        services = self.services
        session_id = (await services.sessions.open_session(user_id=None, metadata={})).session.id
        shown = services.settings.context_messages
        before = tuple(ContextMessage(role="customer", text=text) for text in question.earlier[-shown:])
        await services.agent.session_store.set(session_id, AgentContext(session_id=session_id, messages=before))
        run = Run(
            session_id,
            None,
            new_turn_id(),
            attempt=1,
            messages=[CustomerMessage(new_message_id(), question.text)],
            journal=Unrecorded(),
            seconds_left=services.settings.turn_timeout_seconds,
        )
        answered: Answered | None = None
        async with aclosing(services.agent.answer(run)) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answered = event
        await services.agent.cleanup_session(session_id)
        assert answered is not None, "a run that does not raise ends with its answer"
        return answered


@asynccontextmanager
async def open_desk(settings: Settings, documents: Iterable[SourceDocument], *, step: Step) -> AsyncIterator[Desk]:
    """Raises:
    SetUnreadable: a document cannot be indexed.
    ConfigurationError: the settings do not name a model that can be made.
    """
    given = list(documents)
    with tempfile.TemporaryDirectory(prefix="deskhand-eval-") as folder:
        async with open_services(_apart(settings, Path(folder))) as services:
            await services.knowledge.warm_up()

            def show(progress: Progress) -> None:
                step("indexing", progress.done, len(given))

            step("indexing", 0, len(given))
            report = await services.knowledge.ingest(given, sync_scope=None, on_progress=show)
            if report.failed:
                raise SetUnreadable(f"{report.failed[0].source}: {report.failed[0].reason}")
            yield Desk(services)


def _apart(settings: Settings, folder: Path) -> Settings:
    """The same settings with everything that is kept in `folder`."""
    return settings.model_copy(
        update={
            "environment": Environment.DEVELOPMENT,
            "data_dir": folder,
            "database_url": None,
            "redis_url": None,
            "cache_redis_url": None,
            "session_redis_url": None,
            "knowledge_samples": False,
            "failpoints": "",
        }
    )
