"""Tokens that come close together are read together."""

from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.port import TextDelta
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import answer, words
from models.asking import ask, request


async def test_tokens_that_come_close_together_are_given_in_few_pieces(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(answer(100, between_seconds=0.005))
    heard = await ask(model, request())
    assert heard.text == "".join(words(100))
    pieces = [event for event in heard.events if isinstance(event, TextDelta)]
    assert 1 < len(pieces) <= 50


async def test_the_first_token_is_given_by_itself(server: ModelServer, model: OpenAIChatModel) -> None:
    server.reply_with(answer(20, between_seconds=0.02))
    heard = await ask(model, request())
    first = next(event for event in heard.events if isinstance(event, TextDelta))
    assert first.text == words(1)[0]
