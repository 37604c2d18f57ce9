"""`deskhand ask`: one question to the configured model and the knowledge base, without a server and without a transcript."""

import asyncio
from contextlib import aclosing
from typing import Annotated, Any

import typer
from rich.console import Console

from deskhand.agent.run import Answered, CustomerMessage, Run, SourcesFound, StageChanged, TextProduced, Unrecorded
from deskhand.api.assembled import Services
from deskhand.cli.answers import AnswerView, answer_view, show_sources
from deskhand.cli.terminal import is_text, output, print_json, remarks, start_command
from deskhand.composition import open_services
from deskhand.ids import new_message_id, new_session_id, new_turn_id
from deskhand.models.port import ModelError
from deskhand.settings import Settings


def command(
    question: Annotated[str, typer.Argument(help="What a customer would ask.")],
    limit: Annotated[int | None, typer.Option(min=1, max=20, help="Passages to look at. [DESKHAND_KNOWLEDGE_PASSAGES]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for scripts.")] = False,
) -> None:
    """Ask one question and print the answer with its sources.

    It is answered by the model of the settings from the same knowledge as the server's. Nothing is stored and nobody is called.

    \b
    Examples:
      deskhand ask "How do I reset my password?"
      deskhand ask --json "Can I pay by invoice?" | jq .confidence
      DESKHAND_MODEL=openai:gpt-4.1-mini deskhand ask "What does the team plan cost?"

    Exit codes: 0 answered, also with "I don't know"; 1 the model or the knowledge base failed.
    """
    if not question.strip():
        raise typer.BadParameter("The question is empty.", param_hint="QUESTION")
    if not is_text(question):
        raise typer.BadParameter("The question is not UTF-8.", param_hint="QUESTION")
    settings = start_command(**({} if limit is None else {"knowledge_passages": limit}))
    asyncio.run(_ask(settings, question, as_json=as_json))


async def _ask(settings: Settings, question: str, *, as_json: bool) -> None:
    console = output()
    async with open_services(settings) as services:
        if as_json:
            await _warm_up(services)
            answered = await _answer(services, question, view=None)
            print_json(_as_json(answered))
            return
        with answer_view(console) as view:
            await _warm_up(services)
            answered = await _answer(services, question, view=view)
    _show_end(console, answered)


async def _warm_up(services: Services) -> None:
    settings = services.settings
    await services.knowledge.warm_up(samples=settings.is_development and settings.knowledge_samples)


async def _answer(services: Services, question: str, *, view: AnswerView | None) -> Answered:
    run = Run(
        session_id=new_session_id(),
        user_id=None,
        turn_id=new_turn_id(),
        attempt=1,
        messages=[CustomerMessage(new_message_id(), question)],
        journal=Unrecorded(),
        seconds_left=services.settings.turn_timeout_seconds,
    )
    answered: Answered | None = None
    try:
        async with aclosing(services.agent.answer(run)) as events:
            async for event in events:
                match event:
                    case StageChanged() if view is not None:
                        view.show_stage(event.stage, event.tool)
                    case TextProduced() if view is not None:
                        view.add_text(event.text)
                    case Answered():
                        answered = event
                    case StageChanged() | TextProduced() | SourcesFound():
                        pass
    except ModelError as error:
        # What it says is meant for customers; here stands who runs the installation.
        error.remedy = "'deskhand doctor' looks at the model and says what to do."
        raise
    finally:
        await services.agent.cleanup_session(run.session_id)
    assert answered is not None, "a run that does not raise ends with its answer"
    return answered


def _as_json(answered: Answered) -> dict[str, Any]:
    """The fields of the REST answer that do not belong to a session."""
    return {
        "message": answered.text,
        "sources": _sources(answered),
        "requires_escalation": answered.escalation is not None,
        "confidence": answered.confidence,
        "tools_used": list(answered.tools_used),
        "metadata": answered.metadata,
    }


def _sources(answered: Answered) -> list[dict[str, Any]]:
    return [
        {"content": source.content, "metadata": source.metadata, "relevance_score": source.relevance, "rank": source.rank}
        for source in answered.sources
    ]


def _show_end(console: Console, answered: Answered) -> None:
    show_sources(console, _sources(answered))
    if answered.escalation is not None:
        reason = answered.escalation.reason.value.replace("_", " ")
        remarks().print(f"In a conversation a person would take over now: {reason}.", style="yellow")
