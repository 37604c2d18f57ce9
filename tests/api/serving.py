"""The real application behind a real port, and people who talk to it."""

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import websockets
from fastapi import FastAPI

from deskhand.api.services import Services
from deskhand.app import create_app
from deskhand.cli.serve import DeskhandServer, listen
from deskhand.clock import Clock
from deskhand.models.port import ChatModel
from deskhand.settings import Environment, Settings
from deskhand.telemetry import configure_logging
from deskhand.testing.scripted_model import ScriptedModel

ADMIN_KEY = "staff-key-of-the-tests-which-is-long-enough"
# Without the certificates of the whole world: to read them takes each client 50 ms, and nobody here speaks TLS.
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def settings_in(folder: Path, **overrides: Any) -> Settings:
    """Settings of a server whose data lie in `folder`; no environment and no `.env` has a say."""
    chosen = {
        "environment": Environment.TESTING,
        "data_dir": folder,
        "admin_api_key": ADMIN_KEY,
        "rate_limit_enabled": False,
        "api_port": 0,
        "drain_seconds": 2,
        # The models of most tests say what nobody could prove. Tests of the gate switch it on.
        "evidence_gate": "off",
        **overrides,
    }
    return Settings(_env_file=None, **chosen)


@dataclass(frozen=True)
class Visitor:
    session_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


STAFF = {"X-API-Key": ADMIN_KEY}


@dataclass
class Served:
    app: FastAPI
    server: DeskhandServer
    port: int
    http: httpx2.AsyncClient
    logs: io.StringIO

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def visitor(self, **body: Any) -> Visitor:
        """Somebody with a session of their own."""
        answer = await self.http.post("/api/sessions", json=body)
        assert answer.status_code == 201, answer.text
        opened = answer.json()
        return Visitor(opened["session_id"], opened["token"])

    async def say(self, visitor: Visitor, message: str, **more: Any) -> httpx2.Response:
        return await self.http.post(
            f"/api/chat/sessions/{visitor.session_id}/messages", json={"message": message, **more}, headers=visitor.headers
        )

    async def until_streams(self, count: int) -> None:
        """Wait until so many readers are connected."""
        async with asyncio.timeout(20):
            while self.services.streams.count != count:  # noqa: ASYNC110 - nothing in the product tells of it
                await asyncio.sleep(0.01)

    def connect(self, visitor: Visitor | None, *, session_id: str | None = None, **options: Any) -> Any:
        """A WebSocket: of the visitor by subprotocol, or of nobody yet."""
        wanted = session_id if session_id is not None else visitor.session_id if visitor is not None else ""
        offered = ["deskhand", f"token.{visitor.token}"] if visitor is not None else None
        options = {"subprotocols": offered, "compression": None, "proxy": None, **options}
        return websockets.connect(f"ws://127.0.0.1:{self.port}/ws" + (f"?session_id={wanted}" if wanted else ""), **options)


def client_of(base_url: str) -> httpx2.AsyncClient:
    """Somebody who speaks HTTP to a server of this machine."""
    return httpx2.AsyncClient(base_url=base_url, timeout=30, trust_env=False, verify=TRUSTS_NOBODY)


@asynccontextmanager
async def serving(settings: Settings, *, model: ChatModel | None = None, clock: Clock | None = None) -> AsyncIterator[Served]:
    """The application as `deskhand serve` runs it, in this process, on a free port."""
    logs = io.StringIO()
    configure_logging(settings, stream=logs)
    app = create_app(settings, model=model or ScriptedModel(), clock=clock)
    listening = listen(settings)
    port = listening.getsockname()[1]
    server = DeskhandServer(app, settings, quiet=True)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    async with client_of(f"http://127.0.0.1:{port}") as http:
        answer = await http.get("/health/live")
        assert answer.status_code == 200
        try:
            yield Served(app, server, port, http, logs)
        finally:
            server.handle_exit(15, None)
            await running
