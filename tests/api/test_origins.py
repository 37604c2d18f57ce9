"""Which pages of other origins may use the API (RELIABILITY E4): twelve origins by REST, by server-sent events and by WebSocket."""

import pytest
from websockets.exceptions import ConnectionClosedError

from api.serving import Served, serving, settings_in
from deskhand.errors import ConfigurationError
from deskhand.settings import load_settings

ALLOWED = "https://shop.example.com"

FOREIGN = [
    "null",
    "https://evil.example",
    "https://shop.example.com.evil.example",
    "https://evilshop.example.com",
    "https://sub.shop.example.com",
    "https://shop.example.com:8443",
    "http://shop.example.com",
    "HTTPS://SHOP.EXAMPLE.COM",
    "https://shоp.example.com".encode().decode("latin-1"),
    "https://shop.example.com.",
    "https://93.184.216.34",
    "https://shop.example.com, https://evil.example",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
async def served(folder):
    async with serving(settings_in(folder, cors_origins=[ALLOWED, "https://Help.Example:443/"], cors_allow_credentials=True)) as running:
        yield running


async def test_no_foreign_origin_is_let_in_by_any_transport(served: Served) -> None:
    visitor = await served.visitor()
    for origin in FOREIGN:
        headers = {**visitor.headers, "Origin": origin.encode("latin-1")}
        rest = await served.http.get(f"/api/sessions/{visitor.session_id}", headers=headers)
        assert "access-control-allow-origin" not in rest.headers, origin
        preflight = await served.http.options(
            "/api/sessions", headers={"Origin": origin.encode("latin-1"), "Access-Control-Request-Method": "POST"}
        )
        assert "access-control-allow-origin" not in preflight.headers, origin
        async with served.http.stream("GET", f"/api/sessions/{visitor.session_id}/events", headers=headers) as events:
            assert "access-control-allow-origin" not in events.headers, origin
        async with served.connect(visitor, additional_headers={"Origin": origin}) as socket:
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4003, origin


async def test_an_origin_is_known_however_the_setting_spells_it(served: Served) -> None:
    visitor = await served.visitor()
    asked = {"Origin": "https://help.example"}
    rest = await served.http.get(f"/api/sessions/{visitor.session_id}", headers={**visitor.headers, **asked})
    assert rest.headers["access-control-allow-origin"] == "https://help.example"
    async with served.connect(visitor, additional_headers=asked) as socket:
        assert '"connected"' in await socket.recv()


async def test_an_allowed_origin_is_let_in_and_may_read_our_headers(served: Served) -> None:
    visitor = await served.visitor()
    rest = await served.http.get(f"/api/sessions/{visitor.session_id}", headers={**visitor.headers, "Origin": ALLOWED})
    assert rest.headers["access-control-allow-origin"] == ALLOWED
    exposed = rest.headers["access-control-expose-headers"]
    assert all(name in exposed for name in ("X-Request-ID", "X-Process-Time", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After"))
    async with served.connect(visitor, additional_headers={"Origin": ALLOWED}) as socket:
        assert '"connected"' in await socket.recv()


async def test_the_server_s_own_origin_may_open_a_websocket_and_so_may_a_program_without_one(served: Served) -> None:
    visitor = await served.visitor()
    async with served.connect(visitor, additional_headers={"Origin": served.base_url}) as socket:
        assert '"connected"' in await socket.recv()
    async with served.connect(visitor) as socket:
        assert '"connected"' in await socket.recv()


async def test_errors_can_be_read_by_an_allowed_origin_too(served: Served) -> None:
    for answer in (
        await served.http.get("/api/nothing", headers={"Origin": ALLOWED}),
        await served.http.post("/api/sessions", content=b"x", headers={"Origin": ALLOWED, "Content-Type": "application/json"}),
    ):
        assert answer.headers["access-control-allow-origin"] == ALLOWED
        assert answer.headers["x-request-id"]


def test_any_origin_together_with_credentials_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_CORS_ORIGINS", "*")
    monkeypatch.setenv("DESKHAND_CORS_ALLOW_CREDENTIALS", "true")
    with pytest.raises(ConfigurationError, match="DESKHAND_CORS_ORIGINS"):
        load_settings()
