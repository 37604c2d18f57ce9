"""The secrets that an installation makes for itself: a file that a crash or a full disk left empty is no key that everybody knows."""

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier

from pydantic import SecretStr

from api.serving import serving, settings_in
from deskhand.staff.secret_file import ADMIN_KEY_FILE, STAFF_SECRET_FILE, load_secrets, read_or_make


async def test_an_empty_key_file_lets_nobody_in_and_gets_a_key(tmp_path: Path) -> None:
    kept = tmp_path / ADMIN_KEY_FILE
    kept.touch(mode=0o600)
    async with serving(settings_in(tmp_path, admin_api_key=None)) as served:
        assert (await served.http.get("/api/sessions", headers={"X-API-Key": ""})).status_code == 401
        key = kept.read_text().strip()
        assert len(key) > 32
        assert (await served.http.get("/api/sessions", headers={"X-API-Key": key})).status_code == 200


def test_an_empty_secret_beside_a_set_one_verifies_nothing(tmp_path: Path) -> None:
    (tmp_path / STAFF_SECRET_FILE).touch()
    settings = settings_in(tmp_path, secret_key=SecretStr("s" * 40))
    assert load_secrets(settings) == [b"s" * 40]
    (tmp_path / STAFF_SECRET_FILE).write_text("of before\n")
    assert load_secrets(settings) == [b"s" * 40, b"of before"]


def test_whoever_asks_at_the_same_moment_gets_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    at_once = Barrier(8)
    numbers = count()

    def ask(_place: int) -> bytes:
        at_once.wait()
        return read_or_make(path, lambda: f"made {next(numbers)}")

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {b"made 0"}
    assert path.read_bytes() == b"made 0\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
