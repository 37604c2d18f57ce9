"""The forecast of tools/scaling.py."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from deploy.files import ROOT


@pytest.fixture(scope="module")
def scaling() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scaling", ROOT / "tools" / "scaling.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scaling"] = module
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_document_are_current() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "scaling.py"), "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_busiest_second_is_above_the_mean_and_nearer_to_it_the_more_there_are(scaling: ModuleType) -> None:
    customs = scaling.Customs()
    over = []
    for sessions in (10_000, 100_000, 1_000_000):
        mean = sessions * customs.busiest_hour * customs.turns / 3_600
        peak = scaling.simulate(sessions, customs)
        over.append(peak.turns_a_second / mean)
        # Little's law: those who are there are those who come times how long they stay.
        stay = customs.turns * (customs.think_seconds + customs.answer_seconds) + customs.linger_seconds
        assert peak.connections == pytest.approx(sessions * customs.busiest_hour / 3_600 * stay, rel=0.2)
    assert over == sorted(over, reverse=True)
    assert 1.0 < over[-1] < 1.2


def test_what_costs_more_needs_more(scaling: ModuleType) -> None:
    need = scaling.needed(1_000_000)
    dearer = scaling.needed(1_000_000, costs=replace(scaling.MEASURED, cpu_ms=2 * scaling.MEASURED.cpu_ms))
    assert dearer.instances == pytest.approx(2 * need.instances, rel=0.2)
    assert dearer.database_cores == need.database_cores
    assert scaling.needed(10).instances == 2
    talkless = scaling.needed(1_000_000, customs=scaling.Customs(turns=1, linger_seconds=36_000, connections_an_instance=1_000))
    assert talkless.instances > talkless.peak.connections / 1_000


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (3, "3"), (96, "96"), (0.0076, "0.0076"), (27.3, "27"), (7_351.2, "7,400"), (0.8, "0.80")]
)
def test_a_forecast_has_two_digits(scaling: ModuleType, value: float, shown: str) -> None:
    assert scaling._two_digits(value) == shown


def test_figures_of_ones_own_can_be_counted_with(scaling: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_text(
        '{"by_instances": {"2": {"cpu_ms": 7, "postgresql_cpu_ms": 2, "commits": 4, "wal_kib": 9, "database_kib": 6, "redis_cpu_ms": 0.5,'
        ' "redis_commands": 10, "redis_kib_a_session": 8, "rss_mib": 200}}}',
        encoding="utf-8",
    )
    costs = scaling.read_costs(file)
    assert (costs.cpu_ms, costs.instance_mib, costs.connection_kib) == (7, 200, scaling.MEASURED.connection_kib)
