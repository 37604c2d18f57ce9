"""What one streamed answer costs the client in CPU: our model against a bare aiohttp + msgspec client, in the same run.

"burst" has no delay; "paced" has 2 ms between tokens, so that each comes by itself, as in life. The model server is another process, so its
cost is not counted. The figures are medians of alternating rounds.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import uvloop
from pydantic import SecretStr

from bench.report import keep, show
from bench.servers import model_server
from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.openai_request import Dialect, to_body
from deskhand.models.port import ModelMessage, ModelRequest, Role, TextDelta, ToolSpec
from deskhand.testing.replies import words

ANSWERS = 500
TOKENS = 50
ROUNDS = 5
AT_ONCE = 10


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta


class Chunk(msgspec.Struct):
    choices: list[Choice]


chunks = msgspec.json.Decoder(Chunk)


def ordinary_request() -> ModelRequest:
    """Twenty messages and five tools: what a turn in the middle of a session sends."""
    messages = [ModelMessage(Role.SYSTEM, "You answer the customers of a company from its documents. " * 20)]
    messages += [ModelMessage(Role.USER if i % 2 == 0 else Role.ASSISTANT, "How do I reset my password, please? " * 5) for i in range(19)]
    schema = {"type": "object", "properties": {"query": {"type": "string", "description": "words"}}, "required": ["query"]}
    tools = [ToolSpec(f"tool_{i}", "Searches the documents for what the customer asks. " * 2, schema) for i in range(5)]
    return ModelRequest(tuple(messages), tools=tuple(tools))


async def bare(session: aiohttp.ClientSession, url: str, request: ModelRequest) -> int:
    body = msgspec.json.encode({"model": "test", "stream": True, **to_body(request, dialect=Dialect())})
    headers = {"Authorization": "Bearer sk-bench", "Content-Type": "application/json"}
    seen, rest = 0, b""
    async with session.post(url + "/chat/completions", data=body, headers=headers) as response:
        async for piece in response.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data: {"):
                    chunk = chunks.decode(line[6:])
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        seen += len(text)
    return seen


async def ours(model: OpenAIChatModel, request: ModelRequest) -> int:
    """Characters of text, as the tokens come joined."""
    seen = 0
    async for event in model.stream(request):
        if isinstance(event, TextDelta):
            seen += len(event.text)
    return seen


async def cpu_ms(answer: Callable[[], Awaitable[int]], *, answers: int, tokens: int) -> float:
    characters = len("".join(words(tokens)))

    async def work() -> None:
        for _ in range(answers // AT_ONCE):
            assert await answer() == characters

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return (time.process_time() - started) * 1000 / (answers // AT_ONCE * AT_ONCE)


async def measure(url: str, *, answers: int, tokens: int) -> tuple[float, float]:
    request = ordinary_request()
    model = OpenAIChatModel("test", base_url=url, api_key=SecretStr("sk-bench"))
    async with aiohttp.ClientSession() as session:
        clients = (lambda: bare(session, url, request), lambda: ours(model, request))
        figures: list[list[float]] = [[], []]
        for round_number in range(ROUNDS + 1):
            for client, kept in zip(clients, figures, strict=True):
                figure = await cpu_ms(client, answers=answers, tokens=tokens)
                if round_number:
                    kept.append(figure)
    await model.close()
    return statistics.median(figures[0]), statistics.median(figures[1])


def run() -> bool:
    """Both forms of the model's pace, 500 answers of 50 tokens each."""
    rows: list[tuple[str, float, float, float]] = []
    for name, every_ms in (("burst", 0), ("paced", 2)):
        with model_server(tokens=TOKENS, every_ms=every_ms) as server:
            floor, mine = uvloop.run(measure(server.url, answers=ANSWERS, tokens=TOKENS))
        rows.append((name, floor, mine, mine / floor))
    show(f"model_client: CPU of the client for an answer of {TOKENS} tokens", ("pace", "bare aiohttp ms", "ours ms", "ratio"), rows)
    keep("model_client", {name: {"bare_ms": round(floor, 3), "ours_ms": round(mine, 3)} for name, floor, mine, _ in rows})
    return True
