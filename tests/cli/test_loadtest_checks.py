"""What a load test makes of what it was sent: every way in which a server can break its word has a name."""

from typing import Any

import pytest

from deskhand.cli.loadtest.figures import Record, Turn, percentile
from deskhand.cli.loadtest.watching import Exchange, Reader, Watch, check_transcript

ACKNOWLEDGED = {"id": "1", "type": "acknowledged", "turn_id": "t1"}
STARTED = {"id": "2", "type": "started", "turn_id": "t1", "attempt": 1}
HELLO = {"id": "2.1.5", "type": "text", "turn_id": "t1", "delta": "Hello"}
THERE = {"id": "2.1.11", "type": "text", "turn_id": "t1", "delta": " there"}
COMPLETE = {"id": "3", "type": "complete", "turn_id": "t1", "message": "Hello there"}
GOOD = [ACKNOWLEDGED, STARTED, HELLO, THERE, COMPLETE]
TAKEN_OVER = [
    *GOOD[:3],
    {"id": "3", "type": "started", "turn_id": "t1", "attempt": 2},
    {"id": "3.2.2", "type": "text", "turn_id": "t1", "delta": "Hi"},
    {"id": "4", "type": "complete", "turn_id": "t1", "message": "Hi"},
]
CUT_OFF = [*GOOD[:4], {"id": "3", "type": "error", "turn_id": "t1", "partial": "Hello"}]


def faults(events: list[dict[str, Any]], *, sees_all: bool = True) -> str:
    watch = Watch(sees_all=sees_all)
    for event in events:
        watch = watch.take(event)
    return "; ".join(watch.faults)


@pytest.mark.parametrize(
    "events", [GOOD, TAKEN_OVER, CUT_OFF, [ACKNOWLEDGED, STARTED, COMPLETE]], ids=["good", "taken over", "cut off", "late"]
)
def test_a_server_that_keeps_its_word_is_told_so(events: list[dict[str, Any]]) -> None:
    assert faults(events) == ""
    assert faults(events, sees_all=False) == ""


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([*GOOD[:2], THERE, COMPLETE], "has 6 characters"),
        ([*GOOD[:3], HELLO, THERE, COMPLETE], "2.1.5 came after 2.1.5"),
        ([*GOOD[:2], THERE, HELLO, COMPLETE], "2.1.5 came after 2.1.11"),
        ([ACKNOWLEDGED, *GOOD], "1 came after 1"),
        ([ACKNOWLEDGED, HELLO, COMPLETE], "does not run"),
        ([*TAKEN_OVER[:4], {**HELLO, "id": "3.1.5"}], "does not run"),
        ([*GOOD[:3], {**COMPLETE, "message": "Goodbye"}], "another than was shown"),
        ([*GOOD, {**THERE, "id": "3.1.17"}], "after the end of its turn"),
        ([*GOOD[:3], {**STARTED, "id": "3", "turn_id": "t2"}], "started while another ran"),
    ],
)
def test_a_server_that_breaks_it_is_told_how(events: list[dict[str, Any]], words: str) -> None:
    assert words in faults(events)
    assert words in faults(events, sees_all=False)


def test_only_who_sees_everything_can_tell_that_an_event_is_missing() -> None:
    missing = [*GOOD, {"id": "5", "type": "mode", "status": "active"}]
    assert "some are missing" in faults(missing)
    assert faults(missing, sees_all=False) == ""


def test_after_a_reconnect_the_ids_may_step_back_once_and_nothing_counts_twice() -> None:
    reader = Reader(Watch(sees_all=True))
    for event in GOOD[:3]:
        reader.take(event)
    reader.reconnect(may_step_back=True)
    # It passed before the server heard where to resume.
    assert reader.take({**COMPLETE, "id": "3"}) is True
    assert reader.take(THERE) is True
    assert reader.take(COMPLETE) is True
    assert reader.watch.faults == ()
    reader.take(COMPLETE)
    assert reader.watch.faults == ("event 3 came after 3",)


def test_what_passed_before_the_server_heard_where_to_resume_counts_as_not_seen_when_the_connection_ends_there() -> None:
    reader = Reader(Watch(sees_all=True))
    for event in GOOD[:3]:
        reader.take(event)
    cursor = reader.watch.cursor
    reader.reconnect(may_step_back=True)
    reader.take({**COMPLETE, "id": "7"})
    reader.reconnect(may_step_back=True)
    assert reader.watch.cursor == cursor
    reader.take(THERE)
    reader.reconnect(may_step_back=False)
    reader.take(COMPLETE)
    assert (reader.watch.cursor, reader.watch.faults) == (COMPLETE["id"], ())


def message(role: str, content: str, status: str = "complete") -> dict[str, Any]:
    return {"role": role, "content": content, "status": status}


SAID = [Exchange("load1", "one?", True, "One."), Exchange("load2", "two?", True, "Two.")]
KEPT = [message("customer", "one?"), message("assistant", "One."), message("customer", "two?"), message("assistant", "Two.")]


def test_a_transcript_that_is_whole_is_told_so() -> None:
    assert check_transcript(SAID, KEPT) == []
    cut = [*KEPT[:3], message("assistant", "Tw", "incomplete")]
    assert check_transcript([SAID[0], Exchange("load2", "two?", True, None)], cut) == []
    assert check_transcript([SAID[0], Exchange("load2", "two?", False, None)], KEPT[:2]) == []


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (KEPT[:2], "lost: 'two?'"),
        ([*KEPT, KEPT[2]], "doubled: 'two?'"),
        ([*KEPT[2:], *KEPT[:2]], "out of order"),
        ([*KEPT[:3]], "an answer that was shown is not stored"),
        ([*KEPT[:3], message("assistant", "Two, or three.")], "an answer that was shown is not stored"),
        ([*KEPT, KEPT[3]], "3 answers to 2 messages"),
        ([*KEPT, message("customer", "three?")], "strange"),
    ],
)
def test_a_transcript_that_is_not_is_told_what_it_lacks(stored: list[dict[str, Any]], words: str) -> None:
    assert words in "; ".join(check_transcript(SAID, stored))


def test_figures_are_of_what_was_measured() -> None:
    record = Record(turns=[Turn("sse", 0.01, 0.2, 1.0), Turn("sse", 0.03, None, 3.0), Turn("rest", None, None, 2.0)], said=4, answered=3)
    record.seconds = 2.0
    record.errors["429 too_many_requests"] = 2
    figures = record.figures()
    assert (figures["ack_p50_ms"], figures["first_p50_ms"], figures["end_p50_ms"], figures["sse_end_max_ms"]) == (20, 200, 2000, 3000)
    assert (figures["error_rate"], figures["unanswered"], figures["turns_per_second"]) == (0.5, 1, 1.5)
    assert not any(name.startswith("late") for name in figures)


def test_percentiles_lie_between_the_values_around_them() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([1, 2], 0.95) == pytest.approx(1.95)
    assert percentile([7], 0.99) == 7
