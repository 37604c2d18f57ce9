"""Steps of work that overlap: nothing is lost, nothing overtakes, and an error stops what comes after."""

import asyncio

import pytest

from deskhand.knowledge.overlap import Overlap


async def test_everything_goes_through_both_steps_in_order() -> None:
    done: list[int] = []

    async def doubled(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async def kept(number: int) -> None:
        for _ in range(10 - number):
            await asyncio.sleep(0)
        done.append(number)

    async with Overlap(doubled, kept) as steps:
        for number in range(5):
            await steps.put(number)
    assert done == [0, 2, 4, 6, 8]


async def test_both_steps_and_the_caller_work_at_the_same_time() -> None:
    both = asyncio.Barrier(3)

    async def first(number: int) -> int:
        if number == 1:
            await both.wait()
        return number

    async def second(number: int) -> None:
        if number == 0:
            await both.wait()

    async with Overlap(first, second) as steps:
        await steps.put(0)
        await steps.put(1)
        await asyncio.wait_for(both.wait(), timeout=5)


@pytest.mark.parametrize("broken", ["first", "second"])
async def test_an_error_is_raised_as_it_is_and_stops_what_comes_after(broken: str) -> None:
    done: list[int] = []

    async def first(number: int) -> int:
        if broken == "first" and number == 1:
            raise ValueError("one is too many")
        return number

    async def second(number: int) -> None:
        if broken == "second" and number == 1:
            raise ValueError("one is too many")
        done.append(number)

    async def put_all() -> None:
        async with Overlap(first, second) as steps:
            for number in range(6):
                await steps.put(number)

    with pytest.raises(ValueError, match="one is too many"):
        await put_all()
    assert done == [0]


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def first(number: int) -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return number

    async def second(_number: int) -> None:
        pass

    async def put_all() -> None:
        async with Overlap(first, second) as steps:
            await steps.put(1)

    task = asyncio.create_task(put_all())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
