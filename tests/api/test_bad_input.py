"""Bad input: one shape of error, the right code, the cause and what to do; nothing stored, no traceback, no 500."""

import contextlib
import gzip
import json
from typing import Any

import httpx2
import pytest

from api.serving import Served, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
DEEP = b'{"metadata":' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}"

BODIES: list[tuple[str, bytes, int, str]] = [
    ("unknown_field", b'{"user": "ada"}', 422, "user"),
    ("wrong_type", b'{"user_id": 7}', 422, "user_id"),
    ("not_an_object", b"[]", 422, ""),
    ("just_null", b"null", 422, ""),
    ("broken", b'{"user_id": ', 422, "JSON"),
    ("nan", b'{"metadata": {"a": NaN}}', 422, "JSON"),
    ("infinity", b'{"metadata": {"a": -Infinity}}', 422, "JSON"),
    ("huge_number", b'{"metadata": {"a": 1e999}}', 422, ""),
    ("endless_integer", b'{"metadata": {"a": ' + b"9" * 5_000 + b"}}", 422, ""),
    ("invalid_utf8", b'{"user_id": "\xff\xfe"}', 422, ""),
    ("overlong_utf8", b'{"user_id": "\xc0\xaf"}', 422, ""),
    ("lone_surrogate", b'{"user_id": "\\ud800"}', 422, ""),
    ("null_character", b'{"user_id": "a\\u0000b"}', 422, "null character"),
    ("null_in_a_key", b'{"metadata": {"a\\u0000": 1}}', 422, "null character"),
    ("deep", DEEP, 422, "nested"),
    ("very_deep", b"[" * 100_000, 422, "nested"),
    ("big_metadata", b'{"metadata": {"a": "' + b"x" * 20_000 + b'"}}', 422, "metadata"),
    ("too_long_name", b'{"user_id": "' + b"x" * 201 + b'"}', 422, "user_id"),
    ("line_break_in_name", b'{"user_id": "a\\nb"}', 422, "user_id"),
    ("byte_order_mark", b"\xef\xbb\xbf{}", 422, ""),
    ("too_large", b'{"user_id": "' + b"x" * 2_000_000 + b'"}', 413, "limit"),
]


def assert_shape(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) - {"details"} == {"error", "message", "request_id", "support"}
    assert all(body[name] for name in ("error", "message", "request_id", "support"))
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize(("raw", "status", "named"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
async def test_a_body_that_is_not_right_is_refused_with_its_reason(shared: Served, raw: bytes, status: int, named: str) -> None:
    answer = await shared.http.post("/api/sessions", content=raw, headers=JSON)
    body = assert_shape(answer, status)
    assert named in str(body)


async def test_a_chunked_body_is_cut_off_at_the_limit_too(shared: Served) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(1_000):
            sent += 65_536
            yield b"x" * 65_536

    # The connection may be closed while the client is still writing.
    with contextlib.suppress(httpx2.ReadError, httpx2.WriteError):
        assert_shape(await shared.http.post("/api/sessions", content=endless(), headers=JSON), 413)
    assert sent < 65_536 * 1_000, "it was read to its end"


@pytest.mark.parametrize("path", ["/api/sessions", "/api/chat/search"])
async def test_a_body_that_would_have_to_be_unpacked_is_415(shared: Served, path: str) -> None:
    packed = gzip.compress(b'{"query": "tea"}')
    answer = await shared.http.post(path, content=packed, headers={**JSON, "Content-Encoding": "gzip"})
    assert "gzip" in assert_shape(answer, 415)["message"]
    plain = await shared.http.post("/api/sessions", content=b"{}", headers={**JSON, "Content-Encoding": "identity"})
    assert plain.status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
async def test_another_kind_of_body_is_415(shared: Served, content_type: str) -> None:
    assert_shape(await shared.http.post("/api/sessions", content=b"{}", headers={"Content-Type": content_type}), 415)


MESSAGES: list[tuple[Any, int]] = [
    ({"message": ""}, 422),
    ({"message": " \n\t "}, 422),
    ({"message": None}, 422),
    ({"message": 5}, 422),
    ({}, 422),
    ({"message": "x" * 10_001}, 422),
    ({"message": "x" * 2_000_000}, 413),
    ({"message": "hi", "client_message_id": ""}, 422),
    ({"message": "hi", "client_message_id": "x" * 129}, 422),
    ({"message": "hi", "attachments": "file"}, 422),
    ({"message": "hi", "attachments": [1]}, 422),
    ({"message": "hi", "extra": 1}, 422),
]


@pytest.mark.parametrize(("body", "status"), MESSAGES, ids=range(len(MESSAGES)))
async def test_a_message_that_is_not_one_is_refused_and_not_stored(shared: Served, body: Any, status: int) -> None:
    visitor = await shared.visitor()
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    assert_shape(await shared.http.post(address, json=body, headers=visitor.headers), status)
    assert (await shared.http.get(address, headers=visitor.headers)).json()["total"] == 0


async def test_an_empty_message_and_a_list_are_called_what_they_are_rather_than_shown_a_pattern(shared: Served) -> None:
    visitor = await shared.visitor()
    for said in ("", " \n\t "):
        assert assert_shape(await shared.say(visitor, said), 422)["message"] == "message: it is empty."
    listed = await shared.http.post(f"/api/chat/sessions/{visitor.session_id}/messages", json=[1], headers=visitor.headers)
    assert assert_shape(listed, 422)["message"] == "the body: it is not an object."
    async with shared.connect(visitor) as socket:
        await socket.recv()
        await socket.send('{"type": "message", "content": " "}')
        assert json.loads(await socket.recv())["message"] == "content: it is empty."


async def upload(shared: Served, visitor: Visitor, name: str, data: bytes, kind: str = "text/plain") -> Any:
    return await shared.http.post(
        f"/api/chat/upload?session_id={visitor.session_id}", headers=visitor.headers, files={"file": (name, data, kind)}
    )


async def test_a_file_that_is_too_large_is_413_and_says_how_large_one_may_be(shared: Served) -> None:
    body = assert_shape(await upload(shared, await shared.visitor(), "big.txt", b"x" * 10_000_001), 413)
    assert body["details"]["limit_bytes"] == 10_000_000


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("film.mp4", "video/mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00"),
        ("run.exe", "application/x-msdownload", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("font.woff2", "font/woff2", b"wOF2\x00\x01\x00\x00"),
    ],
)
async def test_a_file_of_another_kind_is_415(shared: Served, name: str, kind: str, content: bytes) -> None:
    assert_shape(await upload(shared, await shared.visitor(), name, content, kind), 415)


async def test_a_file_in_which_nothing_can_be_read_is_kept_and_says_why(shared: Served) -> None:
    answer = await upload(shared, await shared.visitor(), "broken.json", b"{ this is not json", "application/json")
    assert answer.status_code == 200
    assert (answer.json()["processed"], answer.json()["preview"]) == (False, None)
    assert "broken.json" in answer.json()["error"]


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "..\\..\\boot.txt", "/etc/cron.txt", "a\x01b.txt", "x" * 400 + ".txt"])
async def test_a_hostile_file_name_becomes_a_plain_one(shared: Served, name: str) -> None:
    answer = await upload(shared, await shared.visitor(), name, b"words")
    assert answer.status_code in (200, 415)
    if answer.status_code == 200:
        shown = answer.json()["filename"]
        assert "/" not in shown
        assert "\\" not in shown
        assert shown.isprintable()
        assert len(shown) <= 255


async def test_a_form_that_is_not_right_is_422(shared: Served) -> None:
    visitor = await shared.visitor()
    address = f"/api/chat/sessions/{visitor.session_id}/messages"
    file = ("a.txt", b"words", "text/plain")
    forms: list[dict[str, Any]] = [
        {"data": {"message": "hi", "other": "x"}, "files": {"attachments": file}},
        {"data": {"message": "hi"}, "files": {"file": file}},
        {"data": {"message": "hi", "attachments": "file_x"}, "files": {"attachments": file}},
        {"files": {"attachments": file}},
        {"files": {"message": file}},
        {"data": {"message": "hi"}, "files": [("attachments", file)] * 6},
        {"content": b"nothing of the kind", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ]
    for form in forms:
        headers = {**visitor.headers, **form.pop("headers", {})}
        assert_shape(await shared.http.post(address, headers=headers, **form), 422)
    assert (await shared.http.get(address, headers=visitor.headers)).json()["total"] == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1e3", "offset=-1", "limit=999999999999999999999", "page=2", "limit=%00"])
async def test_a_query_that_is_not_right_is_422_and_names_the_parameter(shared: Served, query: str) -> None:
    visitor = await shared.visitor()
    answer = await shared.http.get(f"/api/chat/sessions/{visitor.session_id}/messages?{query}", headers=visitor.headers)
    body = assert_shape(answer, 422)
    assert query.partition("=")[0] in body["message"]


async def test_what_is_not_there_and_what_is_not_possible_have_the_same_shape(shared: Served) -> None:
    assert_shape(await shared.http.get("/api/nothing/here"), 404)
    answer = await shared.http.put("/api/sessions", json={})
    assert_shape(answer, 405)
    assert {"GET", "POST"} & set(answer.headers["Allow"].split(", "))
