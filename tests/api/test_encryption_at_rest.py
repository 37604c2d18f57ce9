"""What lies about (RELIABILITY E14): with keys nothing that was said can be read in Redis or a backup; after a change of keys all can."""

import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.serving import STAFF, Served, Visitor, serving, settings_in
from cli.program import Program
from deskhand.composition import open_services
from deskhand.errors import ConfigurationError
from deskhand.models.port import ToolCall
from deskhand.sealing import Sealer
from deskhand.settings import load_settings
from deskhand.testing.scripted_model import ScriptedModel
from parts.valkey import ValkeyServer
from persistence.filled_database import dump

MESSAGE, ANSWER, FACT, FILE, DOCUMENT = CANARIES = ("Caruso-4711", "Domingo-4712", "Callas-4713", "Tebaldi-4714", "Pavarotti-4715")


def a_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def found_in(contents: Iterable[bytes]) -> set[str]:
    """The canaries that can be read in any of them: as they are, as UTF-16, or in the midst of Base64."""
    forms = {canary: {canary.encode(), canary.encode("utf-16-le"), canary.encode("utf-16-be"), *_in_base64(canary)} for canary in CANARIES}
    return {canary for content in contents for canary, written in forms.items() if any(form in content for form in written)}


def _in_base64(canary: str) -> set[bytes]:
    """What is always there of it, wherever it begins."""
    return {base64.b64encode(bytes(before) + canary.encode())[4:-4] for before in range(3)}


async def talk(served: Served, model: ScriptedModel) -> Visitor:
    """A conversation with a canary in everything that is kept of it."""
    written = await served.http.post("/api/knowledge/documents", json={"title": "Singers", "text": f"{DOCUMENT} sings."}, headers=STAFF)
    assert written.status_code < 300, written.text
    opened = (await served.http.post("/api/sessions", json={"user_id": "ada@example.com"}, headers=STAFF)).json()
    visitor = Visitor(opened["session_id"], opened["token"])
    uploaded = await served.http.post(
        f"/api/chat/upload?session_id={visitor.session_id}", headers=visitor.headers, files={"file": ("a.txt", FILE.encode(), "text/plain")}
    )
    assert uploaded.status_code < 300, uploaded.text
    fact = f"likes {FACT}"
    model.add((ToolCall("1", "remember", json.dumps({"fact": fact})),), (f"{ANSWER} is noted.",))
    said = await served.say(visitor, f"I am {MESSAGE}. Please remember that I am somebody who {fact}.")
    assert ANSWER in said.text
    return visitor


async def everything_in(redis_url: str) -> list[bytes]:
    """The bytes of every key, and of the file that Redis writes, neither of them compressed."""
    redis = Redis.from_url(redis_url)
    try:
        await redis.config_set("rdbcompression", "no")
        dumped = [await redis.dump(key) or b"" for key in await redis.keys("*")]
        await redis.save()
        where = await redis.config_get("dir", "dbfilename")
        return [*dumped, (Path(where["dir"]) / where["dbfilename"]).read_bytes()]
    finally:
        await redis.aclose()


async def test_nothing_that_was_said_lies_about_and_with_new_keys_all_of_it_is_there(
    tmp_path: Path, own_valkey_server: ValkeyServer
) -> None:
    old, new = a_key(), a_key()
    redis_url = own_valkey_server.url
    (tmp_path / "desk").mkdir()
    model = ScriptedModel()
    keys = {"redis_url": redis_url, "redis_encryption_keys": old}
    async with serving(settings_in(tmp_path / "desk", **keys), model=model) as served:
        visitor = await talk(served, model)
        place = f"deskhand:session:{visitor.session_id}"
        assert found_in(await everything_in(redis_url)) == set()
        redis = Redis.from_url(redis_url)
        sealed = await redis.get(place)
        await redis.aclose()
        assert found_in([Sealer([old]).open(sealed, place=place)]) == {MESSAGE, ANSWER, FACT}

    (tmp_path / "work").mkdir()
    program = Program(tmp_path / "work", environment="testing", data_dir=str(tmp_path / "desk"), backup_encryption_keys=old)
    backup = tmp_path / "backup"
    assert ", encrypted)" in (await program.run("backup", str(backup))).went_well().out
    content = backup.read_bytes()
    assert found_in([content]) == set()
    # Compressed, they would not be seen either: the names in a ZIP archive would.
    assert [word for word in (b"PK\x03\x04", b"manifest", b"tables/") if word in content] == []

    elsewhere = str(tmp_path / "elsewhere")
    (await program.run("restore", str(backup), data_dir=elsewhere, backup_encryption_keys=new)).refused(
        "a key that is not set", "Add the key"
    )
    assert not (tmp_path / "elsewhere" / "deskhand.db").exists()
    (await program.run("restore", str(backup), data_dir=elsewhere, backup_encryption_keys=f"{new},{old}")).went_well()
    restored = await dump(f"sqlite:///{tmp_path / 'elsewhere' / 'deskhand.db'}")
    assert found_in(repr(rows).encode() for rows in restored.values()) == set(CANARIES)
    assert found_in([repr(restored["fact"]).encode()]) == {FACT}

    # The server as it was restored, with new keys first everywhere: the context is still the one in Redis, and is sealed anew when written.
    keys["redis_encryption_keys"] = f"{new},{old}"
    async with serving(settings_in(tmp_path / "elsewhere", **keys), model=model) as served:
        assert (await served.say(visitor, "And now?")).status_code == 200
        redis = Redis.from_url(redis_url)
        sealed = await redis.get(place)
        await redis.aclose()
        assert found_in([Sealer([new]).open(sealed, place=place)]) == {MESSAGE, ANSWER, FACT}
        assert found_in(await everything_in(redis_url)) == set()


async def test_a_server_with_another_key_does_not_start(tmp_path: Path, redis_url: str) -> None:
    async with open_services(settings_in(tmp_path, redis_url=redis_url, redis_encryption_keys=a_key())):
        pass
    with pytest.raises(ConfigurationError, match="encrypted with a key that is not set"):
        async with open_services(settings_in(tmp_path, redis_url=redis_url, redis_encryption_keys=a_key())):
            pass


@pytest.mark.parametrize("name", ["redis_encryption_keys", "backup_encryption_keys"])
def test_nothing_starts_with_a_key_that_is_none(name: str) -> None:
    """Nor is it shown: it may be one that lost its last character."""
    with pytest.raises(ConfigurationError, match=f"DESKHAND_{name.upper()}: key 2 is not 32 bytes") as refused:
        load_settings(**{name: f"{a_key()}, nonsense"})
    assert "nonsense" not in str(refused.value)
