"""What happens around every request: ids, times, headers, faults, health and the page."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.responses import StreamingResponse

from api.serving import Served, serving, settings_in
from deskhand.knowledge import Loading, LoadingStep
from deskhand.models.port import ModelUnavailable
from deskhand.persistence import Database
from deskhand.testing.scripted_model import ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("given", ["abcdefgh", "a.b-c_D9" * 16])
async def test_a_well_formed_request_id_is_kept(shared: Served, given: str) -> None:
    answer = await shared.http.get("/health/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "x" * 129, "with space", "new\tline", "ünïcödé12", "semi;colon1"])
async def test_any_other_request_id_is_replaced(shared: Served, given: str) -> None:
    answer = await shared.http.get("/health/live", headers={"X-Request-ID": given.encode()})
    assert re.fullmatch(r"req_[0-9a-f]{24}", answer.headers["X-Request-ID"])


async def test_every_response_says_how_long_it_took_and_guards_itself(shared: Served) -> None:
    for path in ("/", "/health", "/nothing"):
        answer = await shared.http.get(path)
        assert float(answer.headers["X-Process-Time"]) >= 0
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_root_says_what_is_running(shared: Served) -> None:
    body = (await shared.http.get("/")).json()
    expected = {"name", "version", "environment", "status", "docs", "health", "metrics", "session_store", "session_stats", "stats"}
    assert set(body) == expected
    assert (body["status"], body["docs"], body["metrics"], body["session_store"]) == (
        "operational",
        "disabled",
        "/metrics",
        "InMemorySessionStore",
    )


async def test_a_browser_at_the_root_is_sent_to_the_chat_page(shared: Served) -> None:
    answer = await shared.http.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/chat")


async def test_ready_asks_each_part_and_live_asks_none(shared: Served) -> None:
    ready = (await shared.http.get("/health/ready")).json()
    assert set(ready) == {"status", "timestamp", "version", "services"}
    assert {"database", "tables", "cache", "session_store", "model", "knowledge", "jobs"} == set(ready["services"])
    live = (await shared.http.get("/health/live")).json()
    assert (live["status"], live["services"]) == ("healthy", {"server": "healthy"})


async def test_what_a_start_still_takes_in_is_told_with_how_far_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with serving(settings_in(tmp_path_factory.mktemp("data"))) as served:
        for loading, state in (
            (Loading(LoadingStep.MODEL), "loading the model"),
            (Loading(LoadingStep.INDEX, 12_500, 1_000_000), "loading the index, 12,500 of 1,000,000"),
        ):
            served.services.warmup.tell(loading)
            ready = await served.http.get("/health/ready")
            assert (ready.status_code, ready.json()["status"], ready.json()["services"]["knowledge"]) == (200, "degraded", state)


async def test_a_model_that_is_away_degrades_but_does_not_stop(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = ScriptedModel()
    model.fault = ModelUnavailable()
    async with serving(settings_in(tmp_path_factory.mktemp("data")), model=model) as served:
        answer = await served.http.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["services"]["model"] == "model unavailable"


async def test_a_missing_table_is_503_and_names_the_command_that_makes_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with serving(settings_in(tmp_path_factory.mktemp("data"))) as served:
        visitor = await served.visitor()
        await drop_sessions(served.services.database)
        answer = await served.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)
        assert (answer.status_code, answer.json()["error"]) == (503, "database_not_set_up")
        assert "deskhand migrate" in answer.json()["support"]


async def drop_sessions(database: Database) -> None:
    def work(tx) -> None:
        tx.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        tx.connection.exec_driver_sql('ALTER TABLE "session" RENAME TO "session_elsewhere"')

    await database.write(work)


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/chat", "/metrics", "/api/public/config"])
async def test_head_is_answered_as_get_without_the_body(shared: Served, path: str) -> None:
    head, got = await shared.http.head(path), await shared.http.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_metrics_count_by_route_and_never_by_id(shared: Served) -> None:
    visitor = await shared.visitor()
    await shared.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)
    text = (await shared.http.get("/metrics")).text
    assert 'route="/api/sessions/{session_id}"' in text
    assert visitor.session_id not in text


async def test_metrics_can_be_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with serving(settings_in(tmp_path_factory.mktemp("data"), telemetry_enabled=False)) as served:
        assert (await served.http.get("/metrics")).status_code == 404
        assert (await served.http.get("/")).json()["metrics"] == "disabled"


@pytest.fixture(params=[False, True], ids=["production_like", "debug"])
async def faulty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Served, bool]]:
    async with serving(settings_in(tmp_path, debug=request.param)) as served:

        async def fail() -> None:
            raise RuntimeError("the inner workings")

        served.app.add_api_route("/fault", fail)
        yield served, request.param


@pytest.mark.asyncio(loop_scope="function")
async def test_a_fault_is_a_500_that_tells_its_text_in_debug_only(faulty: tuple[Served, bool]) -> None:
    served, debug = faulty
    answer = await served.http.get("/fault", headers={"X-Request-ID": "find-me-in-the-log"})
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    assert ("the inner workings" in answer.text) is debug
    logged = [line for line in served.logs.getvalue().splitlines() if "request_fault" in line]
    assert len(logged) == 1
    for part in ("find-me-in-the-log", "/fault", "GET", "127.0.0.1", "RuntimeError"):
        assert part in logged[0]


@pytest.mark.asyncio(loop_scope="function")
async def test_a_fault_after_the_response_began_closes_the_connection(served: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"the first half"
        raise RuntimeError("half-way")

    async def half() -> StreamingResponse:
        return StreamingResponse(pieces())

    served.app.add_api_route("/half", half, response_model=None)
    with pytest.raises(httpx2.RemoteProtocolError):
        await served.http.get("/half")
    assert (await served.http.get("/health/live")).status_code == 200


async def test_a_page_is_not_sent_again_to_who_has_it(shared: Served) -> None:
    etag = (await shared.http.get("/chat")).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", W/{etag}', "*"):
        assert (await shared.http.get("/chat", headers={"If-None-Match": known})).status_code == 304, known
    assert (await shared.http.get("/chat", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_page_is_packed_for_who_takes_that(shared: Served) -> None:
    for taken in ("gzip", "br, GZIP;q=0.5"):
        answer = await shared.http.get("/chat", headers={"Accept-Encoding": taken})
        assert answer.headers["Content-Encoding"] == "gzip", taken
    for refused in ("identity", "gzip;q=0", "gzip; q=0.0, br"):
        answer = await shared.http.get("/chat", headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in answer.headers, refused


@pytest.mark.asyncio(loop_scope="function")
async def test_a_request_whose_sender_leaves_half_way_is_no_fault(served: Served) -> None:
    visitor = await served.visitor()
    path = f"/api/chat/sessions/{visitor.session_id}/messages"
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = f"POST {path} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {visitor.token}\r\nContent-Type: application/json\r\n"
    writer.write(f'{head}Content-Length: 100\r\n\r\n{{"message": '.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(20):
        while path not in served.logs.getvalue():  # noqa: ASYNC110 - a log tells nobody that it was written
            await asyncio.sleep(0.01)
    assert "request_fault" not in served.logs.getvalue()


async def begun(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the server has read how a second request begins: it has answered the one before in the same piece."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: desk\r\n\r\nGET /health/live HTTP/1.1\r\nHost: desk\r\nConnection: close\r\nX-Long: ")
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
    return reader, writer


async def refusal_in(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], dict[str, str]]:
    """The status, the headers in small letters, and the body; the connection ends with it."""
    async with asyncio.timeout(20):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert int(headers["content-length"]) == len(body)
    return int(status.split()[1]), headers, json.loads(body)


async def test_headers_without_end_are_refused_before_they_fill_the_memory(shared: Served) -> None:
    reader, writer = await begun(shared)
    writer.write(b"a" * 65_537)
    status, headers, body = await refusal_in(reader)
    assert (status, body["error"], headers["connection"]) == (431, "headers_too_large", "close")
    assert body["request_id"] == headers["x-request-id"]
    writer.close()


async def test_headers_as_long_as_they_may_be_are_read(shared: Served) -> None:
    reader, writer = await begun(shared)
    writer.write(b"a" * 65_532 + b"\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"NONSENSE / HTTP/1.1\r\n\r\n"], ids=["TLS", "no method"])
async def test_what_is_no_request_is_refused_in_the_one_shape_of_errors(shared: Served, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.port)
    writer.write(sent)
    status, headers, body = await refusal_in(reader)
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/json", "close")
    assert set(body) == {"error", "message", "request_id", "support"}
    assert body["request_id"] == headers["x-request-id"]
    assert float(headers["x-process-time"]) >= 0
    writer.close()
