"""What a turn may use: tokens, time, and a model's server that is down. Whatever runs out, the turn ends and says so."""

import asyncio
import time
from pathlib import Path

from deskhand.testing.replies import call_tools, refuse_status
from faults.desk import open_desk
from faults.doors import DOORS, Door, by_rest, by_sse


async def test_the_token_ceiling_is_passed_by_one_call_at_most(tmp_path: Path) -> None:
    async with open_desk(tmp_path, turn_max_total_tokens=1_000) as desk:
        for tokens, requests in ((30, 8), (300, 4), (600, 2), (5_000, 1)):
            visitor = await desk.served.visitor()
            question = f"Costs [model: tool_loop input_tokens={tokens}]"
            end = await by_rest(desk.served, visitor, question)
            assert end.error == ("tool_loop" if tokens == 30 else "token_limit")
            assert desk.server.counts[question] == requests
            assert (requests - 1) * (tokens + 20) < 1_000


async def test_an_answer_that_drips_ends_with_the_turn_s_time_and_is_kept(tmp_path: Path) -> None:
    async with open_desk(tmp_path, turn_timeout_seconds=1.5) as desk:

        async def listen(door: Door) -> None:
            visitor = await desk.served.visitor()
            end = await door(desk.served, visitor, f"Slowly [model: answer tokens=500 every_ms=100] {door.__name__}")
            assert (end.error, bool(end.text)) == ("turn_timeout", True)
            assert "a person" in end.notice
            assert (await desk.transcript(visitor))[-1]["status"] == "incomplete"

        started = time.monotonic()
        await asyncio.gather(*map(listen, DOORS))
        assert 1.5 <= time.monotonic() - started < 20
        await desk.server.wait_until_left(3)


async def test_a_server_that_keeps_failing_is_left_alone_and_the_customer_hears_it_at_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        visitor = await desk.served.visitor()
        for number in range(5):
            assert (await by_rest(desk.served, visitor, f"{number} [model: html]")).error == "provider_protocol"
        asked = desk.server.counts.total()
        end = await by_rest(desk.served, visitor, "And now?")
        assert (end.error, desk.server.counts.total()) == ("model_unavailable", asked)
        assert "a person" in end.notice
        assert (await desk.served.say(visitor, "Let me talk to a person")).json()["requires_escalation"]


async def test_an_endpoint_that_is_not_there_is_said_in_our_words(tmp_path: Path, free_port: int) -> None:
    async with open_desk(tmp_path, model_base_url=f"http://127.0.0.1:{free_port}/v1") as desk:
        visitor = await desk.served.visitor()
        end = await by_rest(desk.served, visitor, "Anybody there?")
        assert end.error == "model_unavailable"
        assert "a person" in end.notice
        assert not any(word in end.raw for word in ("127.0.0.1", str(free_port), "refused", "Errno"))


async def test_what_was_said_before_a_tool_is_kept_when_the_model_fails_after_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        visitor = await desk.served.visitor()
        desk.server.reply_with(call_tools(("search_knowledge", '{"query": "orders"}'), text="Let me look. "), refuse_status(400))
        end = await by_sse(desk.served, visitor, "Where is my order?")
        assert (end.error, end.text) == ("model_rejected", "Let me look. ")
        last = (await desk.transcript(visitor))[-1]
        assert (last["content"], last["status"]) == ("Let me look. ", "incomplete")


async def test_the_model_is_told_which_of_its_answers_was_cut_off(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        visitor = await desk.served.visitor()
        cut = await by_rest(desk.served, visitor, "Tell me [model: cut]")
        await by_rest(desk.served, visitor, "Please go on")
        sent = [(message["role"], message["content"]) for message in desk.server.requests[-1].json["messages"]]
        assert sent[1:] == [("user", "Tell me [model: cut]"), ("assistant", f"{cut.text} (interrupted)"), ("user", "Please go on")]
