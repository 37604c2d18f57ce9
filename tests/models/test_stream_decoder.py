"""The decoder under every cut and with garbled bytes: it never takes half an answer for a whole one, and knows no other errors."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskhand.models.openai_stream import StreamDecoder
from deskhand.models.port import EndReason, ModelEnded, ModelError, ModelEvent, ModelProtocolError, UsageReported
from deskhand.models.retry import RetryPolicy
from deskhand.testing.faults import KINDS
from deskhand.testing.model_server import ModelServer
from deskhand.testing.replies import DONE, Ending, Reply, call_tools, chunk, event, say, stream
from models.asking import QUICK, Heard, ask, connect

ANSWER = say("You ", "can reset ", "it – here: ", "\U0001f511", " \u00fcber.").body
CALLS = call_tools(("search_knowledge", '{"query": "reset \\"it\\""}'), ("remember", "{}"), text="Let me see.").body
SIDE_BY_SIDE = 16
RECORDED = {"answer": ANSWER, "calls": CALLS, "windows lines": ANSWER.replace(b"\n", b"\r\n")}


def decode(*pieces: bytes, max_output_tokens: int = 200) -> Heard:
    decoder = StreamDecoder(max_output_tokens=max_output_tokens)
    events: list[ModelEvent] = []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
            if decoder.is_done:
                break
        events += decoder.finish()
    except ModelError as error:
        return Heard(tuple(events), error)
    return Heard(tuple(events), None)


@pytest.mark.parametrize("name", RECORDED)
def test_an_answer_cut_at_any_byte_ends_only_after_a_whole_end_marker(name: str) -> None:
    body = RECORDED[name]
    whole = decode(body)
    marker_starts = body.index(b'"finish_reason":"')
    for length in range(len(body)):
        heard = decode(body[:length])
        if heard.end is None:
            assert heard.error is not None
            assert heard.error.code == "provider_protocol"
            assert whole.text.startswith(heard.text)
        else:
            assert length > marker_starts
            assert (heard.text, heard.calls, heard.end) == (whole.text, whole.calls, whole.end)


@pytest.mark.parametrize("ending", [Ending.ABORT, Ending.WHOLE])
async def test_an_answer_cut_at_any_byte_on_the_wire_ends_only_after_a_whole_end_marker(ending: Ending) -> None:
    # Side by side: a reader gathers what comes after the first words for some milliseconds, also where nothing does.
    async with asyncio.TaskGroup() as asking:
        for first in range(SIDE_BY_SIDE):
            asking.create_task(ask_for_answers_cut_at(range(first, len(ANSWER), SIDE_BY_SIDE), ending))


async def ask_for_answers_cut_at(lengths: range, ending: Ending) -> None:
    marker_ends = ANSWER.index(b'"finish_reason":"stop"') + len(b'"finish_reason":"stop"')
    async with ModelServer() as server:
        model = connect(server.base_url, limits=replace(QUICK, retry=RetryPolicy(tries=1)))
        for length in lengths:
            server.default = Reply(pieces=((0.0, ANSWER),)).cut(length, ending=ending)
            heard = await ask(model)
            assert (heard.end is None) == (heard.error is not None)
            assert heard.end is None or length >= marker_ends
        await model.close()


@pytest.mark.parametrize("name", RECORDED)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_how_the_network_splits_an_answer_does_not_matter(name: str, data: st.DataObject) -> None:
    body = RECORDED[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=40)))
    pieces = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    heard, whole = decode(*(piece for piece in pieces if piece)), decode(body)
    assert (heard.text, heard.calls, heard.end, heard.error) == (whole.text, whole.calls, whole.end, None)


@pytest.mark.parametrize("name", RECORDED)
@given(data=st.data())
@settings(max_examples=500, deadline=None)
def test_garbled_bytes_end_in_a_model_error_or_in_an_answer(name: str, data: st.DataObject) -> None:
    body = bytearray(RECORDED[name])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), min_size=1, max_size=12)):
        body[place] = value
    heard = decode(bytes(body))
    assert (heard.end is None) == (heard.error is not None)


@given(st.binary(max_size=400))
@settings(max_examples=500, deadline=None)
def test_any_bytes_at_all_end_in_a_model_error(body: bytes) -> None:
    assert decode(body).error is not None


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"runaway", "huge_arguments"}))
def test_every_reply_of_the_model_server_decodes_alike_in_one_piece_and_byte_by_byte(kind: str) -> None:
    body = KINDS[kind]({}).body
    one, many = decode(body), decode(*(body[at : at + 1] for at in range(len(body))))
    assert (one.text, [call.name for call in one.calls], one.end) == (many.text, [call.name for call in many.calls], many.end)
    assert type(one.error) is type(many.error)


def test_text_before_a_fault_in_the_same_piece_is_kept() -> None:
    heard = decode(chunk({"content": "kept"}) + b"data: {broken\n\n")
    assert heard.text == "kept"
    assert heard.error is not None


def test_comments_ids_and_several_lines_of_data_are_read_as_the_standard_says() -> None:
    body = b': keep-alive\n\nid: 7\nretry: 10\ndata: {"choices": [{"delta":\ndata: {"content": "hi"}}]}\n\n' + chunk(
        {}, finish_reason="stop"
    )
    heard = decode(body)
    assert heard.text == "hi"
    assert heard.end is not None


def test_an_error_event_is_an_error_whatever_its_data_is() -> None:
    for data in (b'{"message": "overloaded"}', b'{"error": {"message": "overloaded"}}', b"overloaded", b'{"error": "overloaded"}'):
        heard = decode(b"event: error\ndata: " + data + b"\n\n")
        assert heard.error is not None
        assert heard.error.code == "model_unavailable"


def test_usage_is_reported_once_whether_it_comes_in_one_chunk_or_in_all() -> None:
    tokens = {"prompt_tokens": 7, "completion_tokens": 3}
    every = [
        event({"choices": [{"delta": {"content": word}}], "usage": tokens | {"completion_tokens": at}}) for at, word in enumerate("abc", 1)
    ]
    heard = decode(*every, chunk({}, finish_reason="stop"), DONE)
    assert [item for item in heard.events if isinstance(item, UsageReported)] == [UsageReported(7, 3)]


def test_other_choices_are_not_mixed_into_the_answer() -> None:
    other = event({"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]})
    assert decode(chunk({"content": "yes"}), other, chunk({}, finish_reason="stop")).text == "yes"


def test_nesting_without_end_is_a_protocol_error() -> None:
    heard = decode(b'data: {"choices": ' + b"[" * 500_000 + b"\n\n")
    assert heard.error is not None
    assert heard.error.code == "provider_protocol"


def part(call_id: str | None, name: str | None, arguments: str, index: int | None) -> bytes:
    call = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    call["function"] = {key: value for key, value in call["function"].items() if value is not None}
    return chunk({"tool_calls": [{key: value for key, value in call.items() if value is not None}]})


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([("a", "one", "", 0), (None, None, '{"x":1}', 0), ("b", "two", "", 1), (None, None, "{}", 1)], id="as the standard"),
        pytest.param([("a", "one", '{"x":', None), (None, None, "1}", None), ("b", "two", "{}", None)], id="without index"),
        pytest.param([(None, "one", '{"x":1}', None), (None, "two", "{}", None)], id="without index and id"),
        pytest.param([("a", "one", '{"x":1}', 0), ("b", "two", "{}", 0)], id="all at index 0"),
        pytest.param([("a", "one", "", 0), ("b", "two", "", 1), (None, None, '{"x":1}', 0), (None, None, "{}", 1)], id="interleaved"),
        pytest.param([("a", "one", '{"x":', 0), ("a", "one", "1}", 0), ("b", "two", "", 1)], id="id and name in every part"),
        pytest.param([("a", "one", '{"x":1}', 0), ("a", "two", "{}", 1)], id="the same id twice"),
    ],
)
def test_tool_calls_are_put_together_as_servers_send_them(parts: list[tuple[str | None, str | None, str, int | None]]) -> None:
    heard = decode(*(part(*item) for item in parts), chunk({}, finish_reason="stop"), DONE)
    assert heard.end == ModelEnded(EndReason.TOOL_CALLS)
    assert [(call.name, msgspec.json.decode(call.arguments)) for call in heard.calls] == [("one", {"x": 1}), ("two", {})]
    assert len({call.id for call in heard.calls}) == 2


def test_a_call_that_the_output_limit_cut_is_not_given_out() -> None:
    body = part("a", "one", '{"x":1}', 0) + part("b", "two", '{"y": "cut he', 1) + chunk({}, finish_reason="length")
    heard = decode(body)
    assert [call.name for call in heard.calls] == ["one"]
    assert heard.end == ModelEnded(EndReason.LENGTH)


END = chunk({}, finish_reason="stop") + DONE


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"".join(part("a", "one", "x" * 15_000, 0) for _ in range(20)) + END, id="arguments"),
        pytest.param(b"".join(part(f"c{at}", "one", "{}", at) for at in range(100)) + END, id="calls"),
        pytest.param(part("a", None, "{}", 0) + END, id="no name"),
        pytest.param(chunk({"content": "word "}) * 10_000 + END, id="text"),
        pytest.param(chunk({"reasoning_content": "hm " * 300}) * 6_000 + chunk({"content": "done"}) + END, id="bytes"),
        pytest.param(b'data: {"choices": [], "x": "' + b"x" * 2_000_000 + b'"}\n\n' + chunk({"content": "done"}) + END, id="event"),
    ],
)
def test_what_is_beyond_all_bounds_is_a_protocol_error(body: bytes) -> None:
    heard = decode(*(body[at : at + 16_384] for at in range(0, len(body), 16_384)))
    assert type(heard.error) is ModelProtocolError


def test_a_stream_of_many_small_answers_stays_in_bounds() -> None:
    body = stream([chunk({"content": "word "}) for _ in range(200)] + [chunk({}, finish_reason="stop")]).body
    assert decode(body).end is not None
