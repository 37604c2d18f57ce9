"""The units of systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.files import DEPLOY, STOP_SECONDS, known_variables

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NEEDED = ("NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "User=deskhand")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_it_has_no_rights_and_every_variable_is_a_setting(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert set(NEEDED) <= set(lines)
    variables = {name for line in lines for name in re.findall(r"^Environment=(DESKHAND_[A-Z_]+)=", line)}
    assert variables <= known_variables()
    credentials = {name for line in lines for name in re.findall(r"^LoadCredential=(\w+):", line)}
    assert {Path(line.partition("=%d/")[2]).name for line in lines if "=%d/" in line} == credentials


def test_a_server_that_stops_is_given_the_time() -> None:
    text = (DEPLOY / "systemd" / "deskhand@.service").read_text(encoding="utf-8")
    found = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > STOP_SECONDS


def test_a_database_that_is_away_for_long_is_waited_for() -> None:
    lines = (DEPLOY / "systemd" / "deskhand@.service").read_text(encoding="utf-8").splitlines()
    assert "Restart=always" in lines
    assert "StartLimitIntervalSec=0" in lines[lines.index("[Unit]") : lines.index("[Service]")]


def test_the_settings_that_are_proposed_exist() -> None:
    text = (DEPLOY / "systemd" / "deskhand.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^#? ?(DESKHAND_[A-Z_]+)=", text, re.MULTILINE)) <= known_variables()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine")
def test_systemd_understands_them_and_finds_the_server_safe(tmp_path: Path) -> None:
    for unit in [*UNITS, DEPLOY / "systemd" / "deskhand-backup.timer"]:
        # Verified as an instance, with a program that is there.
        name = unit.name.replace("@.", "@8081.")
        text = unit.read_text(encoding="utf-8").replace("/opt/deskhand/bin/deskhand", "/bin/true")
        (tmp_path / name).write_text(text, encoding="utf-8")
    for file in sorted(tmp_path.iterdir()):
        done = subprocess.run(["systemd-analyze", "verify", str(file)], check=False, capture_output=True, text=True)
        ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or file.name in line]
        assert ours == [], ours
    server = str(tmp_path / "deskhand@8081.service")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", server], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
