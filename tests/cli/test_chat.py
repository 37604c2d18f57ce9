"""`deskhand chat`: with a server that runs, with one of its own, in a pipe and on a terminal."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from cli.program import COMMAND, Done, Program
from cli.terminal import CTRL_C, CTRL_D, Terminal
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import answer, refuse_status, say
from parts.ports import find_free_port

pytestmark = pytest.mark.timeout(180)

PASSWORD = "How do I reset my password?"


@asynccontextmanager
async def serving(program: Program, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`deskhand serve`, once it answers."""
    process = await program.start("serve", **settings)
    try:
        assert process.stdout is not None
        while b"Stop it" not in (line := await process.stdout.readline()):
            assert line, (await process.communicate())[1].decode()
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def speak_as_a_person(program: Program, words: str) -> None:
    """Answer the one conversation that is there, with the key that the server has made."""
    key = (program.folder / "data" / "admin_key").read_text(encoding="ascii").strip()
    desk = f"http://127.0.0.1:{program.settings['api_port']}/api/desk/conversations"
    async with httpx2.AsyncClient(headers={"X-API-Key": key}, trust_env=False) as http:
        (waiting,) = (await http.get(desk)).json()["items"]
        (await http.post(f"{desk}/{waiting['session_id']}/messages", json={"message": words})).raise_for_status()


def settings_of(model_server: ModelServer) -> dict[str, str]:
    # Its answers speak of what no document holds.
    return {"model": "openai:test", "model_base_url": model_server.base_url, "evidence_gate": "off"}


async def test_it_talks_to_the_server_that_runs(program: Program, handbook: Path) -> None:
    (await program.run("ingest", str(handbook))).went_well()
    async with serving(program):
        done = (await program.run("chat", stdin=b"What is the dog in your shop called?\n")).went_well()
    assert "Rex" in done.out
    assert "[1] The dog" in done.out
    assert f"at http://127.0.0.1:{program.settings['api_port']}" in done.err


async def test_a_server_answers_from_what_is_ingested_while_it_runs(program: Program, handbook: Path) -> None:
    async with serving(program):
        assert "don't know" in (await program.run("chat", stdin=b"What is the dog in your shop called?\n")).went_well().out
        (await program.run("ingest", str(handbook))).went_well()
        async with asyncio.timeout(30):
            while "Rex" not in (await program.run("chat", stdin=b"What is the dog in your shop called?\n")).went_well().out:
                pass


async def test_without_a_server_it_starts_one_of_its_own_and_says_so(program: Program) -> None:
    done = (await program.run("chat", stdin=PASSWORD.encode(), knowledge_samples="true")).went_well()
    assert "samples/account-and-password.md" in done.out
    assert "so one runs in this process" in done.err


async def test_a_person_takes_over_and_the_agent_is_silent(program: Program) -> None:
    done = (await program.run("chat", stdin=b"I want to talk to a person\nAre you still there?\n")).went_well()
    assert done.out.count("handing this conversation over") == 1
    assert "Handed over to a person: asked for person" in done.err
    assert "A person answers this conversation" in done.err


async def test_what_a_person_says_between_two_lines_is_shown_before_the_next(program: Program) -> None:
    async with serving(program):
        with Terminal([*COMMAND, "chat"], folder=str(program.folder), environment=program.environment()) as terminal:
            await terminal.wait_for("You › ")
            terminal.press("I want to talk to a person\n")
            await terminal.wait_for("Handed over")
            await terminal.wait_for("You › ")
            await speak_as_a_person(program, "It is in the post.")
            async with asyncio.timeout(60):
                while "admin: It is in the post." not in terminal.shown:
                    terminal.press("/help\n")
                    await terminal.wait_for("You › ")
            terminal.press("/quit\n")
            assert await terminal.wait_for_end() == 0


async def test_an_address_without_a_server_is_an_error(program: Program) -> None:
    address = f"http://127.0.0.1:{program.settings['api_port']}"
    (await program.run("chat", "--url", address)).refused(f"no Deskhand at {address}", "deskhand serve")


async def test_where_another_server_has_the_data_it_says_how_to_talk_to_that(program: Program) -> None:
    async with serving(program):
        (await program.run("chat", api_port=str(find_free_port()))).refused("Another Deskhand", "--url")


async def test_an_address_of_something_else_is_an_error(program: Program, model_server: ModelServer) -> None:
    (await program.run("chat", "--url", model_server.base_url)).refused("no Deskhand at")


async def test_an_address_that_is_none_is_wrong_usage(program: Program) -> None:
    (await program.run("chat", "--url", "ftp://example")).refused("--url", code=2)


async def test_a_message_without_an_answer_is_an_error_in_a_pipe(program: Program, model_server: ModelServer) -> None:
    model_server.default = refuse_status(401)
    async with serving(program, **settings_of(model_server)):
        (await program.run("chat", stdin=b"Is there tea?\n")).refused("person")


async def test_input_that_is_not_utf8_is_an_error(program: Program) -> None:
    async with serving(program):
        (await program.run("chat", stdin=b"Gr\xfc\xdfe\n")).refused("not UTF-8")


async def test_an_answer_survives_the_death_of_the_server(program: Program, model_server: ModelServer) -> None:
    words = [f"word{index} " for index in range(30)]
    model_server.default = say(*words, first_seconds=0.1, between_seconds=0.1)
    settings = settings_of(model_server)
    async with serving(program, **settings) as server:
        chat = await program.start("chat")
        assert chat.stdin is not None
        assert chat.stdout is not None
        chat.stdin.write(b"Say thirty words.\n")
        shown = await chat.stdout.readuntil(b"word3 ")
        server.kill()
        await server.wait()
        model_server.default = say(*words)
        async with serving(program, **settings):
            rest, err = await chat.communicate(b"")
    done = Done(chat.returncode or 0, (shown + rest).decode(), err.decode()).went_well()
    whole = done.out.rpartition("starts over]")[2]
    assert re.findall(r"word\d+", whole) == [word.strip() for word in words]
    assert "connecting again" in done.err
    assert "Connected again" in done.err


async def test_keys_on_a_terminal(program: Program, model_server: ModelServer) -> None:
    model_server.reply_with(say("**Tea** is here.\n\n", "- one\n- two"), answer(2_000, between_seconds=0.05), say("Again."))
    async with serving(program, **settings_of(model_server)):
        with Terminal([*COMMAND, "chat"], folder=str(program.folder), environment=program.environment()) as terminal:
            await terminal.wait_for("You › ")
            terminal.press("Is there tea?\n")
            await terminal.wait_for("Tea")
            await terminal.wait_for("two")
            await terminal.wait_for("You › ")
            terminal.press("Tell me much.\n")
            await model_server.wait_until_asked(2)
            await terminal.wait_for("sign-in page")
            terminal.press(CTRL_C)
            await terminal.wait_for("Stopped.")
            await terminal.wait_for("You › ")
            await terminal.wait_until_it_sleeps()
            terminal.press(CTRL_C)
            await terminal.wait_for("leaves.")
            terminal.press("/nothing\n")
            await terminal.wait_for("/help lists")
            terminal.press("Once \\\nmore?\n")
            await terminal.wait_for("Again.")
            await terminal.wait_for("You › ")
            terminal.press(CTRL_D)
            assert await terminal.wait_for_end() == 0
    assert "Traceback" not in terminal.shown
    assert "**" not in terminal.shown
    assert model_server.requests[-1].key == "Once \nmore?"


async def test_a_file_goes_with_the_next_message(program: Program, model_server: ModelServer) -> None:
    (program.folder / "order.txt").write_text("Order 4711: two tins of tea.", encoding="utf-8")
    async with serving(program, **settings_of(model_server)):
        with Terminal([*COMMAND, "chat"], folder=str(program.folder), environment=program.environment()) as terminal:
            await terminal.wait_for("You › ")
            terminal.press("/attach nothing.txt\n")
            await terminal.wait_for("cannot be read")
            await terminal.wait_for("You › ")
            terminal.press("/attach order.txt\n")
            await terminal.wait_for("goes with your next message")
            await terminal.wait_for("You › ")
            terminal.press("What did I order?\n")
            await terminal.wait_for("sign-in page")
            await terminal.wait_for("You › ")
            terminal.press("/quit\n")
            assert await terminal.wait_for_end() == 0
    assert b"order.txt" in model_server.requests[-1].body


async def test_no_color_is_respected_on_a_terminal(program: Program) -> None:
    async with serving(program):
        environment = program.environment() | {"NO_COLOR": "1"}
        with Terminal([*COMMAND, "chat"], folder=str(program.folder), environment=environment) as terminal:
            await terminal.wait_for("You › ")
            terminal.press("Hello\n")
            await terminal.wait_for("Hello! What can I help you with?")
            await terminal.wait_for("You › ")
            terminal.press(CTRL_D)
            assert await terminal.wait_for_end() == 0
    assert re.search(r"\x1b\[[0-9;]*3[0-7][0-9;]*m", terminal.shown) is None


async def test_ctrl_c_in_a_pipe_ends_it_cleanly(program: Program, model_server: ModelServer) -> None:
    model_server.default = answer(2_000, between_seconds=0.05)
    async with serving(program, **settings_of(model_server)):
        chat = await program.start("chat")
        assert chat.stdin is not None
        chat.stdin.write(b"Tell me much.\n")
        await model_server.wait_until_asked()
        chat.send_signal(signal.SIGINT)
        _, err = await chat.communicate(b"")
    assert chat.returncode == 130
    assert b"Traceback" not in err
