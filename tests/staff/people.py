"""People who work here, as a browser and as programs show themselves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from api.serving import STAFF, Served, client_of

PASSWORD = "quiet harbour lamps 7"
CONSOLE = {"X-Deskhand": "console"}


@dataclass
class Person:
    """Somebody with an account. `http` is their browser: it keeps cookies."""

    http: httpx2.AsyncClient
    staff_id: str
    email: str
    password: str = PASSWORD

    async def sign_in(self, **more: Any) -> httpx2.Response:
        return await self.http.post("/api/staff/sign-in", json={"email": self.email, "password": self.password, **more})

    async def get(self, path: str) -> httpx2.Response:
        return await self.http.get(path)

    async def send(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """As the console's page does."""
        return await self.http.request(method, path, json=body, headers=CONSOLE)

    @property
    def token(self) -> str | None:
        return self.http.cookies.get("deskhand_staff")


class Company:
    """A server, and browsers of people who work there; all are closed in the end."""

    def __init__(self, served: Served, opened: AsyncExitStack) -> None:
        self.served = served
        self._opened = opened

    async def browser(self) -> httpx2.AsyncClient:
        """One that nobody signed in with."""
        return await self._opened.enter_async_context(client_of(self.served.base_url))

    async def hire(self, email: str, role: str = "operator", *, signed_in: bool = True) -> Person:
        """Make an account; the person signs in."""
        body = {"email": email, "role": role, "password": PASSWORD}
        made = await self.served.http.post("/api/staff/accounts", json=body, headers=STAFF)
        assert made.status_code == 201, made.text
        person = Person(await self.browser(), made.json()["staff_id"], email)
        if signed_in:
            answer = await person.sign_in()
            assert answer.status_code == 200, answer.text
        return person

    async def key(self, *scopes: str, name: str = "program") -> tuple[str, str]:
        """A key with these rights: its id and itself."""
        made = await self.served.http.post("/api/staff/keys", json={"name": name, "scopes": list(scopes)}, headers=STAFF)
        assert made.status_code == 201, made.text
        return made.json()["key_id"], made.json()["key"]


@asynccontextmanager
async def company_at(served: Served) -> AsyncIterator[Company]:
    async with AsyncExitStack() as opened:
        yield Company(served, opened)
