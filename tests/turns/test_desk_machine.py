"""S13: whoever acts behind the desk, and whenever, the AI keeps silent after a takeover and the customer knows who has the conversation.

`DESKHAND_TEST_DESK_EXAMPLES` (60; 2000 at night) says how many walks of 50 steps are made.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase
from hypothesis.stateful import run_state_machine_as_test

from deskhand.errors import DeskhandError
from deskhand.handoff import repository as tickets
from deskhand.handoff.ticket import Ticket
from deskhand.turns.desk import Desk, _Case
from deskhand.turns.lifecycle import TurnLifecycle
from turns.desk_machine import DeskMachine
from turns.store import Store, postgresql_store, sqlite_store
from turns.test_state_machine import fast_folder, make_settings  # noqa: F401 - a fixture

EXAMPLES = int(os.environ.get("DESKHAND_TEST_DESK_EXAMPLES", "60"))
POSTGRESQL_SHARE = 20

Mutant = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def store(fast_folder: Path) -> Iterator[Store]:  # noqa: F811 - the fixture
    with sqlite_store(fast_folder) as opened:
        yield opened


def walk(store: Store, *, examples: int, seed: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    machine: type[DeskMachine] = type("Machine", (DeskMachine,), {"store": store})
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=make_settings(examples, phases=phases))


@pytest.mark.timeout(1200)
def test_the_ai_never_speaks_after_a_person_took_over(store: Store) -> None:
    walk(store, examples=EXAMPLES, seed=40_000)


@pytest.mark.timeout(1200)
def test_the_ai_never_speaks_after_a_person_took_over_on_postgresql(postgres_url: str) -> None:
    with postgresql_store(postgres_url) as store:
        walk(store, examples=-(-EXAMPLES // POSTGRESQL_SHARE), seed=41_000)


def a_takeover_leaves_the_ai_at_work(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_take_from_ai", lambda _self, _case, _partials: None)


def a_takeover_lets_the_running_answer_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TurnLifecycle, "_cancel", lambda _self, *_given, **_fields: None)


def an_assignment_is_silent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_Case, "tell", lambda _self, *_given, **_fields: None)


def a_colleague_is_pushed_aside(patch: pytest.MonkeyPatch) -> None:
    real = Desk.claim
    patch.setattr(Desk, "claim", lambda self, *given, **fields: real(self, *given, **{**fields, "force": True}))


def an_old_picture_is_acted_on(patch: pytest.MonkeyPatch) -> None:
    real = Desk._case
    patch.setattr(Desk, "_case", lambda self, tx, session_id, **_fields: real(self, tx, session_id))


def a_conversation_is_given_back_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tickets, "count_ended", lambda *_given, **_fields: 0)


def what_was_given_back_stays_in_the_inbox(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "ended", lambda self, _state, **_fields: self)


def a_repeated_reply_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    real = Desk.say

    def say(self: Desk, *given: Any, **fields: Any) -> Any:
        return real(self, *given, **{**fields, "client_message_id": None})

    patch.setattr(Desk, "say", say)


MUTANTS: tuple[Mutant, ...] = (
    a_takeover_leaves_the_ai_at_work,
    a_takeover_lets_the_running_answer_end,
    an_assignment_is_silent,
    a_colleague_is_pushed_aside,
    an_old_picture_is_acted_on,
    a_conversation_is_given_back_for_ever,
    what_was_given_back_stays_in_the_inbox,
    a_repeated_reply_is_sent_again,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_sown_bug_is_caught(store: Store, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, DeskhandError)):
        walk(store, examples=300, seed=7, phases=(Phase.generate,))
