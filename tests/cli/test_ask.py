"""`deskhand ask`: one question, by the model of the settings."""

import json
from pathlib import Path

from cli.program import Program
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import call_tools, refuse_status, say
from parts.ports import find_free_port


async def test_it_quotes_the_document_that_answers(program: Program, handbook: Path) -> None:
    (await program.run("ingest", str(handbook))).went_well()
    shown = (await program.run("ask", "What is the dog in your shop called?")).went_well().out
    assert "Rex" in shown
    assert "[1] The dog" in shown.partition("Sources")[2]


async def test_it_says_that_it_does_not_know(program: Program, handbook: Path) -> None:
    (await program.run("ingest", str(handbook))).went_well()
    answer = json.loads((await program.run("ask", "--json", "Who won the world cup in 1974?")).went_well().out)
    assert "don't know" in answer["message"]
    assert answer["sources"] == []
    assert not answer["requires_escalation"]


async def test_it_works_in_an_empty_folder(program: Program) -> None:
    shown = (await program.run("ask", "How do I reset my password?", knowledge_samples="true")).went_well().out
    assert "password" in shown
    assert "samples/account-and-password.md" in shown


async def test_it_says_when_a_person_would_take_over(program: Program) -> None:
    done = (await program.run("ask", "I want to talk to a person")).went_well()
    assert "a person would take over" in done.err


async def test_another_model_answers_from_the_same_documents(program: Program, handbook: Path, model_server: ModelServer) -> None:
    (await program.run("ingest", str(handbook))).went_well()
    model_server.reply_with(call_tools(("search_knowledge", '{"query": "shop dog name"}')), say("The dog", " is called", " Rex [1]."))
    done = await program.run("ask", "--json", "--limit", "2", "Which dog?", model="openai:test", model_base_url=model_server.base_url)
    answer = json.loads(done.went_well().out)
    assert answer["message"] == "The dog is called Rex [1]."
    assert answer["sources"][0]["metadata"]["title"] == "The dog"
    assert answer["tools_used"] == ["search_knowledge"]


async def test_a_model_that_is_not_there_is_an_error_with_a_remedy(program: Program) -> None:
    address = f"http://127.0.0.1:{find_free_port()}/v1"
    (await program.run("ask", "Is there tea?", model="openai:test", model_base_url=address)).refused("cannot be reached", "deskhand doctor")


async def test_a_model_that_refuses_the_key_is_an_error(program: Program, model_server: ModelServer) -> None:
    model_server.default = refuse_status(401)
    done = await program.run("ask", "Is there tea?", model="openai:test", model_base_url=model_server.base_url, model_api_key="hunter22")
    done.refused("deskhand doctor")
    assert "hunter22" not in done.err


async def test_an_empty_question_is_wrong_usage(program: Program) -> None:
    (await program.run("ask", "  ")).refused("empty", code=2)


async def test_a_file_gets_no_escapes(program: Program) -> None:
    done = (await program.run("ask", "How do I reset my password?", knowledge_samples="true")).went_well()
    assert "\x1b" not in done.out + done.err
