"""What reaches a log: every entry in its form, and no secret in any (RELIABILITY E12)."""

import io
import json
import logging
import os
from pathlib import Path

import pytest
import structlog

from api.serving import settings_in
from deskhand.settings import Environment, LogLevel
from deskhand.telemetry import LogTarget, Redactor, configure_logging

FULL_DISK = Path("/dev/full")

SECRETS = [
    ("redis://:s3cretpassw0rd@cache.internal:6379/0", "s3cretpassw0rd"),
    ("postgresql://desk:pa55word-x@db.internal/desk", "pa55word-x"),
    ("https://user:t0ken@host/path", "t0ken"),
    ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "eyJhbGciOiJIUzI1NiJ9"),
    ("authorization: basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("the visitor's vt_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg!", "AbCdEfGhIjKl"),
    ("subprotocols deskhand, token.vt_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg", "AbCdEfGhIjKl"),
    ("key sk-proj-0123456789abcdefghij", "0123456789abcdefghij"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    shown = Redactor().text(text)
    assert secret not in shown
    assert "***" in shown


@pytest.mark.parametrize("text", ["GET /api/sessions/sess_0123456789ab", "https://example.com/a?b=c", "a basic question", "visit_at 12:30"])
def test_innocent_words_are_left_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_known_value_is_masked_wherever_it_stands() -> None:
    redactor = Redactor()
    redactor.learn(["correct horse battery"])
    event = {"event": "x", "nested": {"list": ["so correct horse battery it is"], "password": "short", "n": 5}, "raw": b"\x00\x01"}
    shown = redactor(None, "info", event)
    assert shown["nested"] == {"list": ["so *** it is"], "password": "***", "n": 5}
    assert shown["raw"] == "<2 bytes>"


def test_logs_outside_development_are_json_on_the_console_and_in_a_file(tmp_path: Path) -> None:
    console = io.StringIO()
    configure_logging(settings_in(tmp_path, environment=Environment.STAGING), stream=console)
    structlog.get_logger("test").info("something_happened", count=3)
    logging.getLogger("a.library").warning("said %s", "something")
    lines = [json.loads(line) for line in console.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("something_happened", "info"), ("said something", "warning")]
    assert lines[0]["count"] == 3
    assert (tmp_path / "logs" / "deskhand.log").read_text() == console.getvalue()


def test_logs_in_development_are_readable_lines_and_no_file(tmp_path: Path) -> None:
    console = io.StringIO()
    configure_logging(settings_in(tmp_path, environment=Environment.DEVELOPMENT), stream=console)
    structlog.get_logger("test").warning("disk_nearly_full", path="/var/my data", quota=None, free=12)
    assert console.getvalue().rstrip().endswith('warning disk_nearly_full path="/var/my data" free=12')
    assert not (tmp_path / "logs").exists()


@pytest.mark.skipif(not FULL_DISK.exists(), reason="Only Linux has a file that is always full.")
def test_a_full_disk_loses_lines_of_the_log_and_fails_nothing(tmp_path: Path) -> None:
    console = io.StringIO()
    configure_logging(settings_in(tmp_path, environment=Environment.STAGING, log_file=FULL_DISK), stream=console)
    for count in range(3):
        structlog.get_logger("test").info("something_happened", count=count)
    lines = [json.loads(line) for line in console.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["something_happened", "log_file_failed", "something_happened", "something_happened"]
    assert (lines[1]["level"], lines[1]["file"], lines[1]["reason"]) == ("error", str(FULL_DISK), "No space left on device")


@pytest.mark.skipif(not FULL_DISK.exists(), reason="Only Linux has a file that is always full.")
def test_a_console_on_a_full_disk_keeps_nothing_from_the_file(tmp_path: Path) -> None:
    # Without a buffer of its own, which it would try to empty once more when it is closed.
    with io.TextIOWrapper(FULL_DISK.open("wb", buffering=0), write_through=True) as console:
        configure_logging(settings_in(tmp_path, environment=Environment.STAGING), stream=console)
        structlog.get_logger("test").info("something_happened")
    kept = (tmp_path / "logs" / "deskhand.log").read_text()
    assert json.loads(kept)["event"] == "something_happened"


def test_a_log_goes_on_when_its_full_file_can_be_put_aside_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    in_the_way = folder / "deskhand.log.5"
    in_the_way.mkdir(parents=True)
    (folder / "deskhand.log.4").touch()
    full = folder / "deskhand.log"
    full.touch()
    os.truncate(full, 20_000_000)
    console = io.StringIO()
    configure_logging(settings_in(tmp_path, environment=Environment.STAGING), stream=console)
    structlog.get_logger("test").info("lost")
    in_the_way.rmdir()
    structlog.get_logger("test").info("kept")
    assert [json.loads(line)["event"] for line in console.getvalue().splitlines()] == ["lost", "log_file_failed", "kept"]
    assert json.loads(full.read_text())["event"] == "kept"


def test_a_command_shows_warnings_only(tmp_path: Path) -> None:
    console = io.StringIO()
    configure_logging(settings_in(tmp_path), target=LogTarget.COMMAND, stream=console)
    structlog.get_logger("test").info("quiet")
    structlog.get_logger("test").warning("loud")
    assert "quiet" not in console.getvalue()
    assert "loud" in console.getvalue()


def test_a_traceback_is_logged_without_secrets_and_without_local_variables(tmp_path: Path) -> None:
    console = io.StringIO()
    configure_logging(settings_in(tmp_path, model_api_key="sk-canary-0123456789abcdef"), stream=console)
    try:
        local = "a message of a customer"
        raise RuntimeError(f"could not use sk-canary-0123456789abcdef and {len(local)}")
    except RuntimeError:
        structlog.get_logger("test").exception("fault")
    entry = json.loads(console.getvalue())
    assert "RuntimeError: could not use ***" in entry["exception"]
    assert "canary" not in console.getvalue()
    assert "a message of a customer" not in console.getvalue().replace("local = ", "")


def test_a_log_file_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deskhand.telemetry.logs._LARGEST_FILE_BYTES", 1_000)
    configure_logging(settings_in(tmp_path, log_level=LogLevel.DEBUG), stream=io.StringIO())
    for number in range(100):
        structlog.get_logger("test").debug("entry", number=number)
    sizes = sorted(path.stat().st_size for path in (tmp_path / "logs").iterdir())
    assert len(sizes) == 6
    assert sizes[-1] <= 1_000
