"""A warm process is the program: it says and does what one that was started from nothing does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parts.warm import IS_WARM, WarmProcess

pytestmark = pytest.mark.skipif(not IS_WARM, reason="everything starts from nothing")


def begin(folder: Path, *arguments: str, **settings: str) -> WarmProcess:
    with (folder / "out").open("wb") as out, Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), out.fileno(), out.fileno())
        return WarmProcess("deskhand", arguments, folder=folder, environment=environment_in(folder, **settings), streams=streams)


def environment_in(folder: Path, **settings: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "120", **settings}


@pytest.mark.parametrize(("arguments", "code"), [(("doctor", "--settings"), 0), (("ask",), 2), (("migrate",), 1)])
def test_a_warm_process_says_what_a_cold_one_says(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    settings = {"DESKHAND_COMPANY_NAME": "Tea & Co", "DESKHAND_DATABASE_URL": "oracle://somewhere/else"}
    done = subprocess.run(
        [sys.executable, "-m", "deskhand", *arguments],
        cwd=tmp_path,
        env=environment_in(tmp_path, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert begin(tmp_path, *arguments, **settings).wait(60) == done.returncode == code
    assert (tmp_path / "out").read_bytes() == done.stdout


def test_nothing_is_left_for_the_next(tmp_path: Path) -> None:
    begin(tmp_path, "doctor", "--settings", DESKHAND_COMPANY_NAME="Tea & Co").wait(60)
    assert b"Tea & Co" in (tmp_path / "out").read_bytes()
    begin(tmp_path, "doctor", "--settings").wait(60)
    assert b"Tea & Co" not in (tmp_path / "out").read_bytes()


def test_its_end_by_a_signal_is_told(tmp_path: Path, free_port: int) -> None:
    process = begin(tmp_path, "serve", DESKHAND_API_PORT=str(free_port))
    assert process.poll() is None
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL
