"""Backups: what is in one is what was there, on either engine; what is damaged is told; what is not whole does not happen."""

import hashlib
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskhand.clock import SystemClock
from deskhand.persistence import Database, DatabaseNotSetUp, DatabaseTooNew, Transaction
from deskhand.persistence.backup import (
    Archive,
    BackupUnusable,
    TargetInUse,
    TargetNotEmpty,
    back_up,
    check_archive,
    restore,
)
from deskhand.persistence.backup.making import BackupNotWritten
from deskhand.persistence.backup.rows import Column, Kind, LineCodec, Table
from deskhand.persistence.migrations import HEAD, REVISIONS, TABLES, upgrade
from persistence.filled_database import dump, fill, listed, quiet, with_database


@pytest.fixture
def other_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """An empty database of the kind that `database_url` is not."""
    if database_url.startswith("postgresql"):
        return f"sqlite:///{tmp_path / 'other' / 'deskhand.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_what_was_there_is_there_again_on_the_other_engine(database_url: str, other_url: str, tmp_path: Path) -> None:
    await with_database(database_url, fill)
    made = await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    assert made.size_bytes == (tmp_path / "b.zip").stat().st_size
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    assert "b.zip" in listed(tmp_path)
    assert [name for name in listed(tmp_path) if name.startswith(".")] == []
    assert check_archive(tmp_path / "b.zip").manifest == made.manifest
    await restore(other_url, tmp_path / "b.zip", progress=quiet)
    assert await dump(other_url) == await dump(database_url)


async def test_what_is_written_meanwhile_is_not_in_it(database_url: str, other_url: str, tmp_path: Path) -> None:
    """All that is in a backup is of one moment: nothing of what was changed behind its back, in any table."""
    await with_database(database_url, fill)
    before = await dump(database_url)
    changed: list[str] = []

    def change(table: str, _rows: int) -> None:
        if not changed:
            # By another program, in the middle of the backup.
            script = Path(__file__).with_name("change_rows.py")
            subprocess.run([sys.executable, str(script), database_url], check=True, timeout=60)
        changed.append(table)

    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=change)
    assert len(changed) > 3
    assert await dump(database_url) != before
    await restore(other_url, tmp_path / "b.zip", progress=quiet)
    assert await dump(other_url) == before


async def test_what_others_keep_in_the_same_database_is_theirs(postgres_url: str, tmp_path: Path) -> None:
    await with_database(postgres_url, fill)
    await with_database(postgres_url, lambda tx: tx.execute(sa.text("CREATE TABLE theirs (at point)")) and None)
    await with_database(postgres_url, lambda tx: tx.execute(sa.text("INSERT INTO theirs VALUES ('(1,2)')")) and None)
    made = await back_up(postgres_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    assert {entry.name for entry in made.manifest.tables} == TABLES
    await restore(postgres_url, tmp_path / "b.zip", force=True, progress=quiet)
    count = await with_database(postgres_url, lambda tx: tx.execute(sa.text("SELECT count(*) FROM theirs")).scalar_one())
    assert count == 1


async def test_a_number_that_was_given_once_is_not_given_again(database_url: str, other_url: str, tmp_path: Path) -> None:
    await with_database(database_url, fill)
    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    await restore(other_url, tmp_path / "b.zip", progress=quiet)

    chunk = sa.text("INSERT INTO knowledge_chunk (document_id, position, text, vector, terms) VALUES ('doc_1', 1, 'c', :d, :d)")

    def add(tx: Transaction) -> int:
        tx.execute(chunk, {"d": b""})
        return int(tx.execute(sa.text("SELECT max(id) FROM knowledge_chunk")).scalar_one())

    assert await with_database(other_url, add) == 3


async def test_only_an_empty_database_is_restored_to_unless_it_is_forced(database_url: str, tmp_path: Path) -> None:
    await with_database(database_url, fill)
    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    before = await dump(database_url)
    await with_database(database_url, lambda tx: tx.execute(sa.text("UPDATE attachment SET text = 'changed'")))
    changed = await dump(database_url)
    with pytest.raises(TargetNotEmpty, match="has rows"):
        await restore(database_url, tmp_path / "b.zip", progress=quiet)
    assert await dump(database_url) == changed
    await restore(database_url, tmp_path / "b.zip", force=True, progress=quiet)
    assert await dump(database_url) == before


async def test_a_database_that_somebody_uses_is_not_restored_to(database_url: str, tmp_path: Path) -> None:
    await with_database(database_url, fill)
    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    before = await dump(database_url)
    database = await Database.open(database_url)
    try:
        database.serve_alone()
        with pytest.raises(TargetInUse):
            await restore(database_url, tmp_path / "b.zip", force=True, progress=quiet)
    finally:
        await database.close()
    assert await dump(database_url) == before


async def test_a_command_that_has_the_file_open_keeps_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deskhand.db'}"
    await with_database(url, fill)
    await back_up(url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    database = await Database.open(url)
    try:
        await database.write(lambda tx: tx.execute(sa.text("UPDATE attachment SET text = 'changed'")))
        with pytest.raises(TargetInUse):
            await restore(url, tmp_path / "b.zip", force=True, progress=quiet)
    finally:
        await database.close()
    assert (await dump(url))["attachment"][0]["text"] == "changed"


async def test_a_restore_that_fails_changes_nothing(database_url: str, tmp_path: Path) -> None:
    await with_database(database_url, fill)
    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    before = await dump(database_url)

    class Stopped(Exception):
        pass

    def stop(table: str, _rows: int) -> None:
        if table == "knowledge_chunk":
            raise Stopped

    with pytest.raises(Stopped):
        await restore(database_url, tmp_path / "b.zip", force=True, progress=stop)
    assert await dump(database_url) == before
    assert set(listed(tmp_path)) <= {"b.zip", "deskhand.db", "deskhand.db.lock"}


async def test_a_backup_of_an_older_version_is_brought_to_this_one(database_url: str, tmp_path: Path) -> None:
    database = await Database.open(database_url)
    await database.write(lambda tx: upgrade(tx.connection, REVISIONS[0]))
    await database.write(
        lambda tx: tx.execute(
            sa.text(
                "INSERT INTO session (id, thread_id, user_is_verified, status, token_hash, metadata, last_seq, fence, created_at,"
                " updated_at, last_activity) VALUES ('sess_1', 't', true, 'active', 'h', '{}', 1, 1, 0, 0, 0)"
            )
        )
    )
    await database.close()
    made = await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    assert made.manifest.revision == REVISIONS[0]
    await restore(database_url, tmp_path / "b.zip", force=True, progress=quiet)
    found = await dump(database_url)
    assert found["alembic_version"] == [{"version_num": HEAD}]
    assert [row["id"] for row in found["session"]] == ["sess_1"]


async def test_what_a_newer_version_made_is_refused(database_url: str, tmp_path: Path) -> None:
    await with_database(database_url, lambda _tx: None)
    await back_up(database_url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    _rewrite(tmp_path / "b.zip", tmp_path / "newer.zip", f'"revision": "{HEAD}"', '"revision": "9999"')
    with pytest.raises(DatabaseTooNew, match="9999"):
        await restore(database_url, tmp_path / "newer.zip", progress=quiet)
    _rewrite(tmp_path / "b.zip", tmp_path / "format.zip", '"format": 1', '"format": 2')
    with pytest.raises(BackupUnusable, match="format 2"):
        await restore(database_url, tmp_path / "format.zip", progress=quiet)
    await with_database(database_url, lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")) and None)
    with pytest.raises(DatabaseTooNew):
        await back_up(database_url, tmp_path / "c.zip", clock=SystemClock(), progress=quiet)
    assert not (tmp_path / "c.zip").exists()


def _rewrite(path: Path, into: Path, old: str, new: str) -> None:
    """The same archive, all its checksums right, with another manifest."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(into, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "manifest.json":
                was = hashlib.sha256(content).hexdigest()
                content = content.replace(old.encode(), new.encode())
                now = hashlib.sha256(content).hexdigest()
            elif name == "SHA256SUMS":
                content = content.replace(was.encode(), now.encode())
            target.writestr(name, content)


async def test_a_damaged_backup_is_told_from_a_whole_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deskhand.db'}"
    await with_database(url, fill)
    await with_database(url, lambda tx: tx.execute(sa.text("UPDATE attachment SET text = 'short', data = x'00'")))
    whole = tmp_path / "b.zip"
    await back_up(url, whole, clock=SystemClock(), progress=quiet)
    content = whole.read_bytes()
    rows = _rows(whole)
    chance = random.Random(7)
    damaged = tmp_path / "damaged.zip"
    told = 0
    for _ in range(150):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        damaged.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        try:
            check_archive(damaged)
            # A bit that says nothing about the content, such as one of a file's date.
            assert _rows(damaged) == rows
        except BackupUnusable:
            told += 1
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        damaged.write_bytes(content[:length])
        with pytest.raises(BackupUnusable):
            check_archive(damaged)
    # Half at least: the rest is of headers, of which each table has one more.
    assert told >= 75


def _rows(path: Path) -> dict[str, list[Any]]:
    with Archive(path) as archive:
        return {entry.name: list(archive.rows(entry)) for entry in archive.manifest.tables}


async def test_what_is_not_there_or_not_deskhands_is_named(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'none.db'}", postgres_url):
        with pytest.raises(DatabaseNotSetUp):
            await back_up(url, tmp_path / "b.zip", clock=SystemClock(), progress=quiet)
    assert listed(tmp_path) == []
    with pytest.raises(BackupUnusable, match="no file"):
        await restore(postgres_url, tmp_path / "none.zip", progress=quiet)
    shutil.make_archive(str(tmp_path / "foreign"), "zip", Path(__file__).parent)
    with pytest.raises(BackupUnusable, match="not a backup"):
        await restore(postgres_url, tmp_path / "foreign.zip", progress=quiet)


async def test_nothing_is_left_of_a_backup_that_could_not_be_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deskhand.db'}"
    await with_database(url, fill)
    with pytest.raises(BackupNotWritten):
        await back_up(url, tmp_path / "none" / "b.zip", clock=SystemClock(), progress=quiet)
    assert listed(tmp_path) == ["deskhand.db"]


def test_a_line_is_of_the_width_of_its_table() -> None:
    table = Table("t", (Column("a", Kind.INTEGER), Column("b", Kind.BYTES)))
    codec = LineCodec(table)
    assert codec.decode(codec.encode((1, b"\x00"))) == [1, b"\x00"]
    bad = {b"[1]": "1 values instead of 2", b'[1, "not base 64!"]': "base64", b'{"a": 1}': "array", b"[1,": "truncated"}
    for line, words in bad.items():
        with pytest.raises(ValueError, match=words):
            codec.decode(line)
