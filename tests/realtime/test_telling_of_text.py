"""When readers are told that a running answer grew."""

import asyncio

from deskhand.realtime import Hub


def classify(_event: str) -> None:
    return None


async def test_the_first_text_is_told_at_once() -> None:
    hub: Hub[str] = Hub(classify)
    with hub.subscribe("sess_1") as reader:
        reader.channel.wake_for_text()
        async with asyncio.timeout(0):
            await reader.wait()


async def test_text_that_follows_closely_is_told_once_when_the_time_has_passed() -> None:
    hub: Hub[str] = Hub(classify)
    with hub.subscribe("sess_1") as reader:
        for _ in range(5):
            reader.channel.wake_for_text()
        await reader.wait()
        waiting = asyncio.create_task(reader.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        await waiting
        assert reader.channel.text_timer is None


async def test_any_other_event_is_told_at_once_while_text_waits() -> None:
    hub: Hub[str] = Hub(classify)
    with hub.subscribe("sess_1") as reader:
        reader.channel.begin_at(0)
        reader.channel.wake_for_text()
        await reader.wait()
        reader.channel.wake_for_text()
        hub.publish("sess_1", 1, "complete")
        async with asyncio.timeout(0):
            await reader.wait()
