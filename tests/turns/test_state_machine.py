"""A1: every order of events, with workers that die and come back as zombies, leaves the session as it must be.

`DESKHAND_TEST_A1_EXAMPLES` (500; 5000 at night) says how many walks of 50 steps are made, shared out over the shards; PostgreSQL gets one
for every 25 of them.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pysqlite3.dbapi2
import pytest
import sqlalchemy.exc
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from deskhand.errors import DeskhandError
from turns.machine import TurnMachine
from turns.mutants import MUTANTS, Mutant
from turns.store import Store, postgresql_store, sqlite_store

EXAMPLES = int(os.environ.get("DESKHAND_TEST_A1_EXAMPLES", "500"))
SHARDS = 4
# A step takes some milliseconds there.
POSTGRESQL_SHARE = 25


def make_settings(examples: int, *, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        derandomize=False,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    """In memory where the machine has such a place: these tests kill transactions, never the machine."""
    shared_memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="deskhand-a1-", dir=shared_memory if os.access(shared_memory, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def store(fast_folder: Path) -> Iterator[Store]:
    with sqlite_store(fast_folder) as opened:
        yield opened


def walk(store: Store, *, examples: int, seed: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    machine: type[TurnMachine] = type("Machine", (TurnMachine,), {"store": store})
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=make_settings(examples, phases=phases))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_order_of_events_breaks_a_session(store: Store, shard: int) -> None:
    walk(store, examples=-(-EXAMPLES // SHARDS), seed=20_000 + shard)


@pytest.mark.timeout(1200)
def test_no_order_of_events_breaks_a_session_on_postgresql(postgres_url: str) -> None:
    with postgresql_store(postgres_url) as store:
        walk(store, examples=-(-EXAMPLES // POSTGRESQL_SHARE), seed=30_000)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_sown_bug_is_caught(store: Store, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    mutant(monkeypatch, store)
    with pytest.raises((AssertionError, DeskhandError, sqlalchemy.exc.IntegrityError, pysqlite3.dbapi2.IntegrityError)):
        walk(store, examples=300, seed=7, phases=(Phase.generate,))
