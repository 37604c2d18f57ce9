"""The chain of models: when the first cannot begin to answer, the next does, with sources; what the customer saw stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deskhand.settings import Environment
from deskhand.testing.faults import KINDS
from deskhand.testing.replies import call_tools, refuse_status
from faults.desk import Desk, open_desk
from faults.doors import DOORS, by_rest

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAMPLES = {"environment": Environment.DEVELOPMENT, "model_fallbacks": ["quoting"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path_factory.mktemp("data"), model_breaker_failures=1_000_000, **SAMPLES) as opened:
        yield opened


# Each kind, and the tries it is given before the next model is asked.
DOWN = {"503": 3, "401": 1, "no_head": 1, "empty": 1}


@pytest.mark.parametrize("kind", DOWN)
async def test_a_model_that_is_down_is_replaced_by_one_that_quotes(kind: str, tmp_path: Path) -> None:
    async with open_desk(tmp_path, **SAMPLES) as desk:
        for door in DOORS:
            visitor = await desk.served.visitor()
            desk.server.reply_with(*[KINDS[kind]({})] * 2 * DOWN[kind])
            end = await door(desk.served, visitor, "How do I reset my password?")
            assert (end.error, "[1]" in end.text) == (None, True)
            answer = (await desk.transcript(visitor))[-1]
            assert answer["status"] == "complete"
            assert "password" in answer["sources"][0]["metadata"]["title"].lower()


async def test_a_model_that_fails_after_its_first_word_is_not_replaced(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    end = await by_rest(desk.served, visitor, "How do I reset my password? [model: cut]")
    assert (end.error, bool(end.text)) == ("provider_protocol", True)
    assert (await desk.transcript(visitor))[-1]["status"] == "incomplete"


async def test_a_model_that_fails_after_its_tools_is_replaced_and_what_they_found_is_quoted(desk: Desk) -> None:
    visitor = await desk.served.visitor()
    desk.server.reply_with(call_tools(("search_knowledge", '{"query": "How do I reset my password?"}')), refuse_status(400))
    answer = (await desk.served.say(visitor, "How do I reset my password?")).json()
    assert "[1]" in answer["message"]
    assert answer["sources"]


async def test_a_model_s_server_that_is_not_there_costs_one_wait_and_then_none(tmp_path: Path, free_port: int) -> None:
    async with open_desk(tmp_path, model_base_url=f"http://127.0.0.1:{free_port}/v1", model_breaker_failures=1, **SAMPLES) as desk:
        visitor = await desk.served.visitor()
        answers = [
            (await desk.served.say(visitor, question)).json() for question in ("How do I reset my password?", "How do I get a refund?")
        ]
        assert all(answer["sources"] for answer in answers), answers
        assert answers[1]["processing_time"] < answers[0]["processing_time"]
