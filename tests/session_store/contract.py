"""What every session store must do. Each implementation runs this class against the real thing."""

import asyncio
import random

import msgspec
import pytest

from deskhand.session_store import AgentContext, ContextMessage, ContextTooLarge, SessionStore


def a_context(session_id: str = "sess_a", *, said: str = "Hello", last_seq: int = 1) -> AgentContext:
    return AgentContext(session_id=session_id, last_seq=last_seq, messages=(ContextMessage(role="customer", text=said),))


def add_note(context: AgentContext | None, note: str) -> AgentContext:
    present = context or a_context()
    return msgspec.structs.replace(present, notes=(*present.notes, note))


class SessionStoreContract:
    """Subclasses give `store` as a fixture, with a default life of 60 s, and `let_time_pass`."""

    async def let_time_pass(self, seconds: float) -> None:
        raise NotImplementedError

    async def test_what_was_set_is_got_back_unchanged(self, store: SessionStore) -> None:
        context = AgentContext(
            session_id="sess_a",
            last_seq=7,
            messages=(
                ContextMessage(role="customer", text="Grüße 你好 \n\x00"),
                ContextMessage(role="assistant", text="…", interrupted=True),
            ),
            notes=("likes tea",),
            unanswered_in_a_row=2,
            counters={"seen": 3},
        )
        await store.set("sess_a", context)
        assert await store.get("sess_a") == context
        assert await store.exists("sess_a")

    async def test_an_unknown_session_is_none_and_not_an_error(self, store: SessionStore) -> None:
        assert await store.get("sess_unknown") is None
        assert not await store.exists("sess_unknown")
        assert not await store.delete("sess_unknown")
        assert await store.increment("sess_unknown", "seen") is None

    async def test_what_was_deleted_is_gone(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        assert await store.delete("sess_a")
        assert await store.get("sess_a") is None

    async def test_setting_replaces_everything(self, store: SessionStore) -> None:
        await store.set("sess_a", msgspec.structs.replace(a_context(), counters={"seen": 1}, notes=("a",)))
        await store.set("sess_a", a_context(said="Bye"))
        assert await store.get("sess_a") == a_context(said="Bye")

    async def test_an_entry_ends_with_its_time(self, store: SessionStore) -> None:
        await store.set("sess_short", a_context("sess_short"), ttl_seconds=0.05)
        await store.set("sess_long", a_context("sess_long"))
        await self.let_time_pass(0.1)
        assert await store.get("sess_short") is None
        assert not await store.exists("sess_short")
        assert await store.count() == 1

    async def test_an_update_keeps_the_remaining_life_unless_it_renews_it(self, store: SessionStore) -> None:
        for session_id in ("sess_kept", "sess_renewed"):
            await store.set(session_id, a_context(session_id), ttl_seconds=0.5)
        await store.update("sess_kept", lambda context: add_note(context, "x"))
        await store.increment("sess_kept", "seen")
        await store.update("sess_renewed", lambda context: add_note(context, "x"), renew=True)
        await self.let_time_pass(0.6)
        assert await store.get("sess_kept") is None
        assert await store.get("sess_renewed") is not None

    async def test_an_update_of_nothing_stores_what_it_makes(self, store: SessionStore) -> None:
        made = await store.update("sess_a", lambda context: add_note(context, "x") if context is None else None)
        assert made == await store.get("sess_a")
        assert made is not None

    async def test_an_update_that_returns_none_changes_nothing(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        assert await store.update("sess_a", lambda _: None) == a_context()
        assert await store.update("sess_b", lambda _: None) is None
        assert await store.get("sess_a") == a_context()
        assert not await store.exists("sess_b")

    async def test_updates_at_once_lose_nothing(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        for batch in range(10):
            names = [f"{batch}-{number}" for number in range(4)]
            await asyncio.gather(*(store.update("sess_a", lambda context, name=name: add_note(context, name)) for name in names))
        stored = await store.get("sess_a")
        assert stored is not None
        assert len(set(stored.notes)) == 40

    async def test_increments_at_once_count_each(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        values: list[int | None] = []
        for _ in range(6):
            values.extend(await asyncio.gather(*(store.increment("sess_a", "seen") for _ in range(5))))
        assert sorted(value for value in values if value is not None) == list(range(1, 31))
        assert await store.increment("sess_a", "seen", -5) == 25
        stored = await store.get("sess_a")
        assert stored is not None
        assert stored.counters == {"seen": 25}

    async def test_an_update_keeps_the_counters(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        await store.increment("sess_a", "seen", 2)
        await store.update("sess_a", lambda context: add_note(context, "x"))
        await store.increment("sess_a", "seen", 2)
        stored = await store.get("sess_a")
        assert stored is not None
        assert stored.counters == {"seen": 4}
        assert stored.notes == ("x",)

    async def test_a_context_that_is_too_large_is_refused_and_what_was_there_stays(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        large = msgspec.structs.replace(a_context(), notes=tuple("x" * 200_000 for _ in range(6)))
        with pytest.raises(ContextTooLarge):
            await store.set("sess_a", large)
        with pytest.raises(ContextTooLarge):
            await store.update("sess_a", lambda _: large)
        assert await store.get("sess_a") == a_context()

    @pytest.mark.parametrize("name", ["", "a b", 'a"b', "Ünicode", "x" * 41, "a%d"])
    async def test_a_counter_has_a_plain_name(self, store: SessionStore, name: str) -> None:
        await store.set("sess_a", a_context())
        with pytest.raises(ValueError, match="counter"):
            await store.increment("sess_a", name)
        assert await store.get("sess_a") == a_context()

    async def test_several_counters_are_kept_apart(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        for name, by in (("seen", 2), ("unseen", 5), ("seen", -7), ("see", 1)):
            await store.increment("sess_a", name, by)
        stored = await store.get("sess_a")
        assert stored is not None
        assert stored.counters == {"seen": -5, "unseen": 5, "see": 1}

    async def test_live_sessions_are_listed_and_counted(self, store: SessionStore) -> None:
        ids = {f"sess_{number:03}" for number in range(25)}
        for session_id in ids:
            await store.set(session_id, a_context(session_id))
        assert set(await store.list_sessions()) == ids
        assert len(await store.list_sessions(limit=10)) == 10
        assert await store.count() == 25

    async def test_hits_and_misses_are_counted(self, store: SessionStore) -> None:
        await store.set("sess_a", a_context())
        await store.get("sess_a")
        await store.get("sess_b")
        stats = await store.get_stats()
        assert (stats.hits, stats.misses) == (1, 1)

    async def test_it_answers_a_ping(self, store: SessionStore) -> None:
        assert await store.ping()

    async def test_it_agrees_with_a_dictionary_over_many_random_steps(self, store: SessionStore) -> None:
        chance = random.Random(7)
        model: dict[str, AgentContext] = {}
        for step in range(300):
            session_id = f"sess_{chance.randrange(6)}"
            match chance.randrange(5):
                case 0:
                    model[session_id] = a_context(session_id, said=str(step))
                    await store.set(session_id, model[session_id])
                case 1:
                    assert await store.delete(session_id) == (model.pop(session_id, None) is not None)
                case 2:
                    made = await store.update(session_id, lambda context, step=step: context and add_note(context, str(step)))
                    if session_id in model:
                        model[session_id] = add_note(model[session_id], str(step))
                    assert made == model.get(session_id)
                case 3:
                    value = await store.increment(session_id, "seen")
                    if session_id in model:
                        seen = model[session_id].counters.get("seen", 0) + 1
                        model[session_id] = msgspec.structs.replace(model[session_id], counters={"seen": seen})
                        assert value == seen
                    else:
                        assert value is None
                case _:
                    assert await store.get(session_id) == model.get(session_id)
        assert set(await store.list_sessions()) == set(model)
        await store.close()
        with pytest.raises(AttributeError):
            model["sess_0"].last_seq = 3
