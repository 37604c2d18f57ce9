"""Nothing secret leaves (RELIABILITY E12): canaries in every secret there is, everything at DEBUG, and a look at all that came out."""

from pathlib import Path

import pytest

from api.serving import ADMIN_KEY, STAFF, serving, settings_in
from deskhand.models.port import ModelUnavailable
from deskhand.settings import LogLevel
from deskhand.testing.scripted_model import ScriptedModel

CANARIES = {
    "model_api_key": "sk-canary1-model-0123456789",
    "secret_key": "canary2-secret-key-0123456789-0123456789",
    "redis_url": "redis://canary3user:canary3-redis-pw@127.0.0.1:1/0",
}
SAID = "canary4 my card is 4111 1111 1111 1111 and I am ada.canary@example.com"


async def test_no_secret_and_no_message_reaches_a_log_a_metric_or_an_error(tmp_path: Path) -> None:
    model = ScriptedModel(["Fine."], [ModelUnavailable()])
    async with serving(settings_in(tmp_path, log_level=LogLevel.DEBUG, **CANARIES), model=model) as served:
        visitor = await served.visitor(user_id="ada", metadata={"note": "canary5"})
        shown = [(await served.say(visitor, SAID)).headers, (await served.say(visitor, f"{SAID} again")).text]
        async with served.connect(visitor) as socket:
            await socket.recv()
        async with served.connect(None, session_id=visitor.session_id) as socket:
            await socket.send('{"type":"authenticate","token":"vt_canary6canary6canary6canary6canary6"}')
            await socket.wait_closed()
        public = ("/", "/health/ready", "/metrics", "/api/public/config", "/api/nothing")
        shown += [(await served.http.get(path, headers=STAFF)).text for path in public]
        shown.append((await served.http.get("/api/sessions", headers={"Authorization": "Bearer canary7canary7"})).text)
        logs = served.logs.getvalue()
    # Of what a customer said, the log may hold nothing; of secrets, nothing may hold anything.
    secrets = [*CANARIES.values(), "canary3-redis-pw", ADMIN_KEY, visitor.token, "canary6", "canary7"]
    for secret in secrets:
        assert secret not in logs
        assert all(secret not in str(answer) for answer in shown)
    written = (tmp_path / "logs" / "deskhand.log").read_text()
    for text in (SAID, "4111", "ada.canary", "canary5"):
        assert text not in logs + written
    assert "session_store_address" in logs
    assert "127.0.0.1:1/0" in logs


@pytest.mark.parametrize("debug", [False, True])
async def test_the_settings_never_leave_in_an_error(tmp_path: Path, debug: bool) -> None:
    async with serving(settings_in(tmp_path, debug=debug, secret_key=CANARIES["secret_key"])) as served:

        async def fail() -> None:
            raise RuntimeError(repr(served.services.settings))

        served.app.add_api_route("/fault", fail)
        assert CANARIES["secret_key"] not in (await served.http.get("/fault")).text
