"""Nothing is left behind: no socket, no task, and a cancelled answer frees its connection at once."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import psutil

from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.port import TextDelta
from deskhand.testing.faults import KINDS
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import Reply, answer, words
from models.asking import QUICK, ask, connect, request, until

this_process = psutil.Process()
# Those that wait for a time limit would make 200 faults long.
QUICK_KINDS = sorted(set(KINDS) - {"slow_first", "no_head", "stall", "huge_arguments"})


async def test_two_hundred_faults_leave_no_connection_and_no_task(server: ModelServer, model: OpenAIChatModel) -> None:
    await ask(model)
    tasks, files = len(asyncio.all_tasks()), this_process.num_fds()
    for number in range(200):
        await ask(model, request(f"[model: {QUICK_KINDS[number % len(QUICK_KINDS)]}]"))
    await until(lambda: server.open_connections <= 1)
    assert this_process.num_fds() <= files
    assert server.answering == 0
    await model.close()
    await until(lambda: server.open_connections == 0 and len(asyncio.all_tasks()) < tasks + 1)


async def test_good_answers_share_a_connection(server: ModelServer, model: OpenAIChatModel) -> None:
    for _ in range(20):
        assert (await ask(model)).end is not None
    assert server.open_connections == 1


async def test_a_connection_whose_end_comes_a_little_late_is_used_again(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(Reply(pieces=((0.0, answer().body), (0.03, b""))))
    assert (await ask(model)).end is not None
    assert (await ask(model)).end is not None
    assert server.left_early == 0
    assert server.open_connections == 1


async def test_a_cancelled_answer_closes_its_connection_promptly(server: ModelServer) -> None:
    model = connect(server.base_url)
    server.reply_with(answer(1_000, between_seconds=0.01))
    first_text = asyncio.Event()

    async def listen() -> None:
        async for event in model.stream(request()):
            if isinstance(event, TextDelta):
                first_text.set()

    listening = asyncio.create_task(listen())
    await first_text.wait()
    listening.cancel()
    async with asyncio.timeout(1):
        await server.wait_until_left()
    await asyncio.wait([listening])
    assert listening.cancelled()
    await until(lambda: server.open_connections == 0)
    await model.close()


async def test_an_answer_that_is_left_early_closes_its_connection_promptly(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(answer(1_000, between_seconds=0.01))
    async with aclosing(model.stream(request())) as stream:
        async for _event in stream:
            break
    async with asyncio.timeout(1):
        await server.wait_until_left()


async def test_a_request_cancelled_before_its_answer_began_is_taken_back(server: ModelServer, model: OpenAIChatModel) -> None:
    asking = asyncio.create_task(ask(model, request("[model: no_head]")))
    await server.wait_until_asked()
    asking.cancel()
    async with asyncio.timeout(1):
        await server.wait_until_left()


async def test_a_hundred_answers_at_once_do_not_mix(server: ModelServer) -> None:
    # A busy machine may take longer over a hundred at once than the other tests let a model be silent.
    model = connect(server.base_url, limits=replace(QUICK, idle_seconds=20.0, budget_seconds=60.0))
    heard = await asyncio.gather(*(ask(model, request(f"[model: answer tokens={count}]")) for count in range(1, 101)))
    await model.close()
    for count, one in enumerate(heard, 1):
        assert one.text == "".join(words(count))
