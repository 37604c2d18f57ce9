"""A desk: the real application as it is served, its model server, and what a test reads in the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.serving import Served, Visitor, serving, settings_in
from deskhand.handoff.ticket import Ticket
from deskhand.models.factory import create_configured_model
from deskhand.sessions.tables import tool_calls, turns
from deskhand.testing.model_server import ModelServer
from handoff.stored import list_tickets

MODEL_KEY = "sk-canary-of-the-installation-0123456789"


@dataclass(frozen=True)
class Desk:
    served: Served
    server: ModelServer

    async def transcript(self, visitor: Visitor) -> list[dict[str, Any]]:
        answer = await self.served.http.get(f"/api/chat/sessions/{visitor.session_id}/messages", headers=visitor.headers)
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    async def status(self, visitor: Visitor) -> str:
        answer = await self.served.http.get(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)
        status: str = answer.json()["status"]
        return status

    async def turn(self, turn_id: str) -> sa.Row[Any]:
        find = sa.select(turns).where(turns.c.id == turn_id)
        return await self.served.services.database.read(lambda connection: connection.execute(find).one())

    async def count_tool_calls(self, turn_id: str) -> int:
        count = sa.select(sa.func.count()).select_from(tool_calls).where(tool_calls.c.turn_id == turn_id)
        return await self.served.services.database.read(lambda connection: connection.execute(count).scalar_one())

    async def tickets(self, visitor: Visitor) -> list[Ticket]:
        return await self.served.services.database.read(lambda connection: list_tickets(connection, visitor.session_id))


@asynccontextmanager
async def open_desk(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    """A desk whose model is the server's; times are a fraction of what they are in life."""
    async with ModelServer() as server:
        chosen = settings_in(
            folder,
            **{
                "model": "openai:test",
                "model_base_url": server.base_url,
                "model_api_key": MODEL_KEY,
                "model_idle_seconds": 3,
                "turn_timeout_seconds": 40,
                **settings,
            },
        )
        async with serving(chosen, model=create_configured_model(chosen)) as served:
            yield Desk(served, server)
