"""Encrypted backups: whoever has a key reads them, nobody else does, and nobody changes them unseen."""

import asyncio
import base64
import io
import os
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.hmac import HMAC

from deskhand.clock import SystemClock
from deskhand.persistence.backup import (
    BackupLocked,
    BackupNotEncrypted,
    BackupUnusable,
    back_up,
    check_archive,
    restore,
)
from deskhand.persistence.backup.sealed import SealedReader, SealedWriter
from deskhand.sealing import Sealer
from persistence.filled_database import dump, fill, listed, quiet, with_database

PIECE = 65_536
SEALED_PIECE = PIECE + 16
HEAD = 16 + 28


def a_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """A database in which a file of a customer does not get smaller: an encrypted backup of several pieces."""
    address = f"sqlite:///{tmp_path / 'data' / 'deskhand.db'}"
    (tmp_path / "data").mkdir()
    await with_database(address, fill)
    short = sa.text("UPDATE attachment SET text = 'short', data = :data")
    await with_database(address, lambda tx: tx.execute(short, {"data": random.Random(5).randbytes(3 * PIECE)}))
    return address


async def backed_up(url: str, path: Path, *keys: str) -> bytes:
    await back_up(url, path, clock=SystemClock(), progress=quiet, sealer=Sealer(keys) if keys else None)
    return await asyncio.to_thread(path.read_bytes)


async def test_a_backup_opens_with_its_key_alone_and_after_a_change_of_keys(url: str, tmp_path: Path) -> None:
    old, new, other = a_key(), a_key(), a_key()
    before = await dump(url)
    await backed_up(url, tmp_path / "b", old)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    for keys in ([], [other], [new, other]):
        with pytest.raises(BackupLocked) as refused:
            await restore(url, tmp_path / "b", force=True, progress=quiet, sealer=Sealer(keys) if keys else None)
        assert "DESKHAND_BACKUP_ENCRYPTION_KEYS" in refused.value.support
    for number, keys in enumerate(([old], [new, old])):
        target = f"sqlite:///{tmp_path / str(number) / 'deskhand.db'}"
        await restore(target, tmp_path / "b", progress=quiet, sealer=Sealer(keys))
        assert await dump(target) == before
    assert check_archive(tmp_path / "b", Sealer([old])).is_sealed


async def test_with_keys_set_a_backup_that_anybody_could_have_written_is_not_restored(url: str, tmp_path: Path) -> None:
    before = await dump(url)
    await backed_up(url, tmp_path / "plain")
    target = f"sqlite:///{tmp_path / 'other' / 'deskhand.db'}"
    with pytest.raises(BackupNotEncrypted, match="not encrypted"):
        await restore(target, tmp_path / "plain", progress=quiet, sealer=Sealer([a_key()]))
    assert not (tmp_path / "other").exists()
    await restore(target, tmp_path / "plain", progress=quiet, sealer=Sealer([a_key()]), accept_plain=True)
    assert await dump(target) == before


async def test_a_bit_that_is_another_anywhere_stops_a_restore_before_it_begins(url: str, tmp_path: Path) -> None:
    sealer = Sealer([key := a_key()])
    content = await backed_up(url, tmp_path / "b", key)
    before = await dump(url)
    chance = random.Random(14)
    # The head, where each byte is of its own kind, and anywhere.
    for place in [*range(HEAD), *(chance.randrange(len(content)) for _ in range(200))]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.randrange(8)
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(BackupUnusable):
            await restore(url, tmp_path / "damaged", force=True, progress=quiet, sealer=sealer)
    assert await dump(url) == before
    assert set(listed(tmp_path / "data")) <= {"deskhand.db", "deskhand.db.lock"}


async def test_pieces_that_are_missing_moved_doubled_or_of_another_backup_are_found(url: str, tmp_path: Path) -> None:
    sealer = Sealer([key := a_key()])
    content = await backed_up(url, tmp_path / "b", key)
    foreign = _pieces(await backed_up(url, tmp_path / "c", key))[1]
    head, *pieces = _pieces(content)
    assert len(pieces) >= 4
    count = len(pieces)
    damaged = "damaged, or was cut off: its piece"
    wrong = [
        (f"{damaged} {count - 1} of {count - 1}", [head, *pieces[:-1]]),
        (f"{damaged} 1 of 1", [head]),
        (f"{damaged} {count} of {count}", [head, *pieces[:-1], pieces[-1][:-1]]),
        ("not an encrypted backup", [head[:-1]]),
        (damaged, [head, *pieces[1:]]),
        (damaged, [head, pieces[0], *pieces[2:]]),
        (f"{damaged} 1 of {count}", [head, pieces[1], pieces[0], *pieces[2:]]),
        (damaged, [head, pieces[0], *pieces]),
        (damaged, [head, *pieces, pieces[-1]]),
        (damaged, [head, *pieces, b"\x00"]),
        (f"{damaged} 1 of {count}", [head, foreign, *pieces[1:]]),
    ]
    for words, parts in wrong:
        (tmp_path / "damaged").write_bytes(b"".join(parts))
        with pytest.raises(BackupUnusable, match=words):
            check_archive(tmp_path / "damaged", sealer)


def _pieces(content: bytes) -> list[bytes]:
    """The head and each piece of a sealed file."""
    return [content[:HEAD], *(content[start : start + SEALED_PIECE] for start in range(HEAD, len(content), SEALED_PIECE))]


async def test_it_can_be_read_by_what_docs_backup_md_says_of_its_form(url: str, tmp_path: Path) -> None:
    """So can one that was made today by any version to come."""
    key = a_key()
    head, *pieces = _pieces(await backed_up(url, tmp_path / "b", key))
    secret = base64.b64decode(key)
    assert head[:17] == b"deskhand sealed\n\x01"
    named = Hash(SHA256())
    named.update(b"deskhand key id\x00" + secret)
    assert head[17:21] == named.finalize()[:4]
    derived = HMAC(secret, SHA256())
    derived.update(b"deskhand place\x00stream\x00" + head[21:37])
    cipher = AESGCM(derived.finalize())
    last = len(pieces) - 1
    nonces = [head[37:44] + number.to_bytes(4) + bytes([number == last]) for number in range(len(pieces))]
    plain = b"".join(cipher.decrypt(nonce, piece, head[16:44]) for nonce, piece in zip(nonces, pieces, strict=True))
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        assert archive.testzip() is None
        assert "manifest.json" in archive.namelist()


async def test_what_is_to_be_encrypted_never_lies_plain_where_the_backup_goes(url: str, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    seen: set[str] = set()

    def look(_table: str, _rows: int) -> None:
        seen.update(file.name for file in (tmp_path / "far").rglob("*"))

    await back_up(url, tmp_path / "far" / "b", clock=SystemClock(), progress=look, sealer=Sealer([a_key()]))
    assert [name for name in seen if not name.endswith(".part")] == []
    assert listed(tmp_path / "far") == ["b"]
    assert [name for name in listed(tmp_path / "data") if name.startswith(".")] == []


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_sealed_file_is_read_from_any_place_as_it_was_written(size: int) -> None:
    chance = random.Random(size)
    content = chance.randbytes(size)
    sealer = Sealer([a_key()])
    file = io.BytesIO()
    writer = SealedWriter(file, sealer)
    written = 0
    while written < size:
        written += writer.write(content[written : written + chance.randrange(1, PIECE)])
    writer.finish()
    assert len(file.getvalue()) == HEAD + size + 16 * max(1, -(-size // PIECE))
    reader = io.BufferedReader(SealedReader(file, sealer, name="it"))
    assert reader.read() == content
    for _ in range(20):
        start, length = chance.randrange(size + 1), chance.randrange(2 * PIECE)
        assert reader.seek(start) == start
        assert reader.read(length) == content[start : start + length]
    assert reader.seek(0, os.SEEK_END) == size


def test_memory_does_not_grow_with_what_is_sealed(tmp_path: Path) -> None:
    sealer = Sealer([a_key()])
    block = os.urandom(500_000)

    def write() -> None:
        with (tmp_path / "it").open("wb") as file:
            writer = SealedWriter(file, sealer)
            for _ in range(40):
                writer.write(block)
            writer.finish()

    def read() -> None:
        with (tmp_path / "it").open("rb") as file:
            SealedReader(file, sealer, name="it").check()

    assert max(_peak_bytes(write), _peak_bytes(read)) < 2_000_000
    assert (tmp_path / "it").stat().st_size > 40 * len(block)


def _peak_bytes(work: Callable[[], None]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
