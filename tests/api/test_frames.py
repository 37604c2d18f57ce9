"""Twenty thousand frames that no client of ours would send (RELIABILITY D2): none is a fault, none ends a connection that it should not."""

import asyncio
import gc
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from api.serving import Served, Visitor
from deskhand.api import frames as known

FRAMES = 20_000
CONNECTIONS = 20
GROWTH_BYTES = 20 * 1024 * 1024
# What a server may close with: it goes away, wrong data, too large, no such session (which a frame cannot bring about), or normally.
VALID_CODES = {1000, 1002, 1007, 1009}

VALID: list[dict[str, Any]] = [
    {"type": "message", "content": "hi", "client_message_id": "same", "attachments": []},
    {"type": "resume", "after": "0"},
    {"type": "typing"},
    {"type": "ping"},
    {"type": "cancel"},
    {"type": "authenticate", "token": "vt_" + "x" * 43},
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def hostile(chance: random.Random, values: list[Any]) -> Iterator[str | bytes | list[str]]:
    """Frames without end: raw, mutated, deep, fragmented; a list is one message in fragments."""
    while True:
        frame = dict(chance.choice(VALID))
        text = json.dumps(frame)
        match chance.randrange(10):
            case 0:
                yield json.dumps(chance.choice(values))
            case 1:
                frame[chance.choice([*frame, "extra"])] = chance.choice(values)
                yield json.dumps(frame)
            case 2:
                del frame[chance.choice(list(frame))]
                yield json.dumps(frame)
            case 3:
                place = chance.randrange(len(text))
                yield text[:place] + chr(chance.randrange(1, 0xD7FF)) + text[place + chance.randrange(3) :]
            case 4:
                yield text[: chance.randrange(len(text))]
            case 5:
                yield bytes(chance.randrange(256) for _ in range(chance.randrange(60)))
            case 6:
                yield chance.choice(["[", '{"a":', '{"type":']) * chance.randrange(1, 3_000)
            case 7:
                yield [text[:3], "", text[3:9], text[9:]]
            case 8:
                yield '{"type":"resume","after":"' + chance.choice(["1.1.1.1.1", "9" * 30, "-1", "٣", "1e9", "0x1", " 1"]) + '"}'
            case _:
                yield chance.choice(['{"type":"ping"}', '{"type":"typing"}', text])


def some_values() -> list[Any]:
    values: list[Any] = []

    # The first text that is drawn waits for tables of all characters: seconds, where they were not made before.
    @settings(max_examples=200, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ANYTHING)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


async def bombard(served: Served, visitor: Visitor, *, seed: int, count: int, values: list[Any]) -> Counter[str]:
    """Send frames over as many connections as it takes; returns how often each code came back."""
    chance = random.Random(seed)
    source = hostile(chance, values)
    seen: Counter[str] = Counter()
    sent = 0
    while sent < count:
        # Until the server has taken all that was sent before, it does not hear that the client closes: on a busy machine, for long.
        async with served.connect(visitor, close_timeout=120, ping_interval=None) as socket:
            reading = asyncio.create_task(read_all(socket, seen))
            try:
                while sent < count and chance.random() > 0.002:
                    await socket.send(next(source))
                    sent += 1
                if chance.random() < 0.1:
                    await socket.send("x" * 1_100_000)
            except ConnectionClosed:
                pass
            await socket.close()
            await reading
            seen[f"closed {socket.close_code}"] += 1
    return seen


async def read_all(socket: Any, seen: Counter[str]) -> None:
    try:
        async for raw in socket:
            frame = json.loads(raw)
            seen[frame.get("error") or frame["type"]] += 1
    except ConnectionClosed:
        return


@pytest.mark.serial
@pytest.mark.timeout(300)
async def test_twenty_thousand_hostile_frames_are_no_fault_and_leave_nothing_behind(served: Served) -> None:
    values = some_values()
    await bombard(served, await served.visitor(), seed=0, count=500, values=values)
    gc.collect()
    before = psutil.Process().memory_info().rss
    visitors = [await served.visitor() for _ in range(CONNECTIONS)]
    results = await asyncio.gather(
        *(bombard(served, visitor, seed=number + 1, count=FRAMES // CONNECTIONS, values=values) for number, visitor in enumerate(visitors))
    )
    seen = sum(results, Counter[str]())
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    codes = {int(name.removeprefix("closed ")) for name in seen if name.startswith("closed ")}
    assert codes <= VALID_CODES, seen
    assert seen["malformed"] > FRAMES // 4, seen
    assert seen["pong"] > 0
    assert "internal_error" not in seen
    logs = served.logs.getvalue()
    assert "Traceback" not in logs
    assert "task_failed" not in logs
    await served.until_streams(0)
    assert grown <= GROWTH_BYTES, f"{grown / 2**20:.1f} MiB"


def test_every_frame_of_the_client_is_among_those_that_are_bent() -> None:
    assert {frame["type"] for frame in VALID} == {member.__struct_config__.tag for member in get_args(known.AnyClientFrame)}
