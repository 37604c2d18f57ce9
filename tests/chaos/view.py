"""What one reader of a session was sent, from the first event to the last, over however many connections, and what was wrong with it.

It folds by itself and shares nothing with the server or the web client.
"""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from turns.history import TERMINAL, History

_ID = re.compile(r"\d+(\.\d+\.\d+(\.\d+)?)?")


def place(event_id: str) -> tuple[int, ...]:
    """The ids of a session grow when they are compared like this."""
    return tuple(int(part) for part in event_id.split("."))


@dataclass(slots=True)
class View:
    """The events in the order in which they came."""

    events: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    _kept: int = 0
    _may_go_back: bool = False
    _is_loose: bool = False

    @property
    def cursor(self) -> str:
        """The id to come back with: that of the last event before which nothing is missing."""
        return _last_id(self.events[: self._kept] if self._is_loose else self.events)

    @property
    def last_seq(self) -> int:
        return place(self.cursor)[0]

    def connect(self, *, may_go_back: bool = False) -> None:
        """Another connection begins. `may_go_back`: its first events are those that passed before the server heard `resume`, and are
        sent again, in their order, once it has."""
        if self._is_loose:
            self._forget()
        self._kept = len(self.events)
        self._may_go_back = may_go_back
        self._is_loose = False

    def take(self, event: dict[str, Any]) -> None:
        assert _ID.fullmatch(event["id"]), event
        here = place(event["id"])
        before = place(_last_id(self.events))
        if self._may_go_back and len(self.events) > self._kept and here <= before:
            self._forget()
            self._may_go_back = self._is_loose = False
            before = place(_last_id(self.events))
        elif self._may_go_back and len(self.events) == self._kept:
            self._is_loose = here[0] != before[0] + (len(here) == 1)
            if here <= before:
                # Passed before `resume` was heard, and was seen over another connection.
                return
        self.events.append(event)
        if event["type"] in TERMINAL:
            self.ended[event["turn_id"]] = event["type"]

    def _forget(self) -> None:
        for event in self.events[self._kept :]:
            if event["type"] in TERMINAL:
                del self.ended[event["turn_id"]]
        del self.events[self._kept :]


def _last_id(events: list[dict[str, Any]]) -> str:
    return events[-1]["id"] if events else "0"


def check_view(view: View, history: History) -> list[str]:
    """What the reader saw that it should not have, or did not see, given what is stored; empty when all holds (S5 to S7, S10)."""
    wrong: list[str] = []
    places = [place(event["id"]) for event in view.events]
    wrong += [f"S6: id {after} came after {before}" for before, after in itertools.pairwise(places) if after <= before]
    seen = [(event["id"], event["type"], event.get("turn_id")) for event in view.events if "." not in event["id"]]
    stored = [(str(event.seq), event.type, event.turn_id) for event in history.events]
    if seen != stored:
        missing, extra = [event for event in stored if event not in seen], [event for event in seen if event not in stored]
        wrong.append(f"P6: of {len(stored)} stored events were not seen: {missing[:5]}; seen but not stored: {extra[:5]}")
    return [*wrong, *_check_texts(view)]


@dataclass(slots=True)
class _Answer:
    turn_id: str
    attempt: int
    text: str = ""


def _check_texts(view: View) -> list[str]:
    wrong: list[str] = []
    running: _Answer | None = None
    ended: set[str] = set()
    for event in view.events:
        kind, turn_id, here = event["type"], event.get("turn_id"), place(event["id"])
        if turn_id in ended:
            wrong.append(f"S5: {kind} {event['id']} of {turn_id} came after its end")
        if kind == "started":
            if running is not None and running.turn_id != turn_id:
                wrong.append(f"S7: {turn_id} starts at {event['id']} while {running.turn_id} runs")
            running = _Answer(turn_id, event["attempt"])
        elif len(here) > 1 and (running is None or running.turn_id != turn_id or running.attempt != here[1]):
            wrong.append(f"S7: {kind} {event['id']} of {turn_id} while {running} runs")
        elif kind == "text":
            assert running is not None
            running.text += event["delta"]
            if len(running.text) != here[2]:
                wrong.append(f"P6: the text at {event['id']} has {len(running.text)} characters")
        elif kind in TERMINAL:
            ended.add(turn_id)
            if running is not None and running.turn_id == turn_id:
                wrong += _check_end(event, running)
                running = None
        elif kind == "resync":
            wrong.append(f"P6: resync at {event['id']}")
    return wrong


def _check_end(event: dict[str, Any], running: _Answer) -> list[str]:
    """A reader may have seen less of a text than was stored, never something else; of an interrupted one also more."""
    shown, text = running.text, event["message"] if event["type"] == "complete" else event["partial"]
    if text.startswith(shown) or (event["type"] != "complete" and shown.startswith(text)):
        return []
    return [f"S10: {event['turn_id']} was shown as {shown!r} and ended with {text!r}"]
