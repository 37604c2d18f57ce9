"""Customers who talk over all transports, to whichever instance answers, and follow their session on any of them.

The invariant: a customer sends a message again, under the same `client_message_id`, until it was acknowledged, and comes back with the last
id it saw; so whatever is lost or doubled in the end is the servers' doing.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chaos.view import View

Event = dict[str, Any]

QUICK = aiohttp.ClientTimeout(total=3, sock_connect=2)
PATIENT = aiohttp.ClientTimeout(total=6, sock_connect=2)
# A frozen server keeps its connections: who hears nothing for so long goes elsewhere.
SILENT_SECONDS = (1.0, 3.0)
FAULTS = (aiohttp.ClientError, TimeoutError, OSError)


class SendAgain(Exception):
    """The server did not acknowledge the message: not now, or not in a way that was heard."""


class SessionLost(Exception):
    """The server does not know the session, which it had opened."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a customer was promised. None: this way of sending does not say."""

    message_id: str | None
    turn_id: str | None


@dataclass(slots=True)
class Sent:
    client_message_id: str
    content: str
    acknowledged: Acknowledgement | None = None


@dataclass(slots=True)
class Loss:
    """How many of the sends are cut off, and when."""

    share: float = 0.0
    seconds: tuple[float, float] = (0.002, 0.020)


class Customer:
    """One session, what was said in it, and what its reader saw."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        bases: Sequence[str],
        chance: random.Random,
        *,
        loss: Loss | None = None,
        reads_sse_first: bool = True,
    ) -> None:
        self.session_id = ""
        self.sent: list[Sent] = []
        self.view = View()
        self.attempts = 0
        self.connections = 0
        self.bases = list(bases)
        self._http = http
        self._chance = chance
        self._loss = loss or Loss()
        self._reads_sse = not reads_sse_first
        self._headers: dict[str, str] = {}
        self._token = ""
        self._saw = asyncio.Condition()

    async def open(self) -> None:
        async def ask(base: str) -> None:
            async with self._http.post(f"{base}/api/sessions", json={}, timeout=QUICK) as response:
                opened = await _body(response, 201)
                self.session_id, self._token = opened["session_id"], opened["token"]

        await self._until_done(ask)
        self._headers = {"Authorization": f"Bearer {self._token}"}

    async def say(self, content: str) -> Acknowledgement:
        """Send until it is acknowledged, each time in another way."""
        sent = Sent(f"c{len(self.sent)}", content)
        self.sent.append(sent)
        body = {"message": content, "client_message_id": sent.client_message_id}
        ways = [self._post, self._post_and_wait, self._post_and_stream, self._say_over_socket]

        async def send(base: str) -> None:
            self.attempts += 1
            way = self._chance.choice(ways) if self._loss.share == 0 else self._post
            if self._chance.random() < self._loss.share:
                async with asyncio.timeout(self._chance.uniform(*self._loss.seconds)):
                    sent.acknowledged = await way(base, body)
            else:
                sent.acknowledged = await way(base, body)

        await self._until_done(send)
        assert sent.acknowledged is not None
        return sent.acknowledged

    async def wait_for_end(self, turn_id: str) -> str:
        """Wait until the reader has seen the turn's end; returns how it ended."""
        async with self._saw:
            await self._saw.wait_for(lambda: turn_id in self.view.ended)
        return self.view.ended[turn_id]

    async def wait_until_seen(self, seq: int) -> None:
        async with self._saw:
            await self._saw.wait_for(lambda: self.view.last_seq >= seq)

    async def follow(self) -> None:
        """Read the session for ever, over one connection after the other, on either transport in turn."""
        while True:
            base = self._chance.choice(self.bases)
            self.connections += 1
            self._reads_sse = not self._reads_sse
            try:
                if self._reads_sse:
                    await self._follow_sse(base)
                else:
                    await self._follow_socket(base)
            except FAULTS:
                await asyncio.sleep(self._chance.uniform(0.1, 0.4))

    async def _until_done(self, step: Callable[[str], Awaitable[None]]) -> None:
        while True:
            try:
                await step(self._chance.choice(self.bases))
            except (*FAULTS, SendAgain):
                await asyncio.sleep(self._chance.uniform(0.05, 0.25))
            else:
                return

    @property
    def _messages(self) -> str:
        return f"/api/chat/sessions/{self.session_id}/messages"

    async def _post(self, base: str, body: Event) -> Acknowledgement:
        headers = self._headers | {"Prefer": "respond-async"}
        async with self._http.post(base + self._messages, json=body, headers=headers, timeout=QUICK) as response:
            taken = await _body(response, 202)
        return Acknowledgement(taken["message_id"], taken["turn_id"])

    async def _post_and_wait(self, base: str, body: Event) -> Acknowledgement:
        async with self._http.post(base + self._messages, json=body, headers=self._headers, timeout=PATIENT) as response:
            answer = await response.json()
        if response.status == 200:
            return Acknowledgement(None, answer["turn_id"])
        if response.status == 202:
            return Acknowledgement(answer["message_id"], answer["turn_id"])
        if "turn_id" in (answer.get("details") or {}):
            return Acknowledgement(answer["details"]["message_id"], answer["details"]["turn_id"])
        raise _refused(response.status, answer)

    async def _post_and_stream(self, base: str, body: Event) -> Acknowledgement:
        headers = self._headers | {"Accept": "text/event-stream"}
        async with self._http.post(base + self._messages, json=body, headers=headers, timeout=PATIENT) as response:
            if response.status != 200:
                taken = await _body(response, 202)
                return Acknowledgement(taken["message_id"], taken["turn_id"])
            async for event in read_events(response):
                if event["type"] == "acknowledged" and event["client_message_id"] == body["client_message_id"]:
                    return Acknowledgement(event["message_id"], event["turn_id"])
        raise SendAgain

    async def _say_over_socket(self, base: str, body: Event) -> Acknowledgement:
        async with self._socket(base) as socket, asyncio.timeout(QUICK.total):
            frame = {"type": "message", "content": body["message"], "client_message_id": body["client_message_id"]}
            await socket.send_json(frame)
            async for message in socket:
                told = json.loads(message.data)
                if told["type"] == "error" and "id" not in told:
                    raise SendAgain(told["error"])
                if told["type"] == "acknowledged" and told["client_message_id"] == body["client_message_id"]:
                    return Acknowledgement(told["message_id"], told["turn_id"])
        raise SendAgain

    @asynccontextmanager
    async def _socket(self, base: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with asyncio.timeout(QUICK.total):
            socket = await self._http.ws_connect(
                f"{base}/ws?session_id={self.session_id}",
                protocols=("deskhand", f"token.{self._token}"),
                timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
            )
        try:
            yield socket
        finally:
            await socket.close()

    async def _follow_sse(self, base: str) -> None:
        headers = self._headers | {"Last-Event-ID": self.view.cursor}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=self._chance.uniform(*SILENT_SECONDS))
        async with self._http.get(f"{base}/api/sessions/{self.session_id}/events", headers=headers, timeout=timeout) as response:
            if response.status != 200:
                raise aiohttp.ClientPayloadError
            self.view.connect()
            async for event in read_events(response):
                await self._see(event)

    async def _follow_socket(self, base: str) -> None:
        async with self._socket(base) as socket:
            self.view.connect(may_go_back=True)
            await socket.send_json({"type": "resume", "after": self.view.cursor})
            while True:
                message = await socket.receive(timeout=self._chance.uniform(*SILENT_SECONDS))
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                told = json.loads(message.data)
                if "id" in told:
                    await self._see(told)

    async def _see(self, event: Event) -> None:
        self.view.take(event)
        if "." not in event["id"]:
            async with self._saw:
                self._saw.notify_all()


async def read_events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """The events of a stream; comments and frames without data are passed over."""
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


async def _body(response: aiohttp.ClientResponse, status: int) -> Event:
    body: Event = await response.json()
    if response.status != status:
        raise _refused(response.status, body)
    return body


def _refused(status: int, body: Event) -> Exception:
    if status in {429, 503}:
        return SendAgain(body["error"])
    if status in {401, 404}:
        return SessionLost(body["error"])
    return AssertionError(f"{status}: {body}")


@dataclass(slots=True)
class Crowd:
    """So many customers who talk at once, each one message after the other. Whoever was handed to a person is followed by another."""

    http: aiohttp.ClientSession
    bases: Sequence[str]
    chance: random.Random
    say: Callable[[random.Random, str], str]
    loss: Loss = field(default_factory=Loss)
    everybody: list[Customer] = field(default_factory=list)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _readers: list["asyncio.Task[None]"] = field(default_factory=list)
    _is_over: bool = False

    async def join(self) -> Customer:
        """Somebody with a session, who reads it and says nothing."""
        reads_sse_first = len(self.everybody) % 2 == 0
        customer = Customer(self.http, self.bases, self.chance, loss=self.loss, reads_sse_first=reads_sse_first)
        self.everybody.append(customer)
        await customer.open()
        self._readers.append(asyncio.create_task(customer.follow()))
        return customer

    def start(self, count: int, *, messages: int | None = None) -> None:
        """`messages`: how many each says; None: until `stop_talking`."""
        self._tasks += [asyncio.create_task(self._talk(messages)) for _ in range(count)]

    def ask_at_once(self) -> None:
        """Everybody who has joined says something."""
        self._tasks += [asyncio.create_task(self._converse(customer, 1)) for customer in self.everybody]

    async def wait_until_quiet(self) -> None:
        """Wait until everybody has said what they had to say and heard the end of it."""
        await asyncio.gather(*self._tasks)

    @property
    def is_sending(self) -> bool:
        """Whether anybody has said something that is not acknowledged yet."""
        return any(customer.sent and customer.sent[-1].acknowledged is None for customer in self.everybody)

    def stop_talking(self) -> None:
        self._is_over = True

    def check(self) -> None:
        """Raise what a customer or a reader came to grief with."""
        for task in [*self._tasks, *self._readers]:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def close(self) -> None:
        self._is_over = True
        # One that is cancelled as its time runs out may take it for the time-out, and a visitor who joins brings a reader along.
        while tasks := [task for task in [*self._tasks, *self._readers] if not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1)

    async def _talk(self, messages: int | None) -> None:
        said = 0
        while not self._is_over and (messages is None or said < messages):
            customer = await self.join()
            left = None if messages is None else messages - said
            # A session that was lost is found when what is stored is compared with what was acknowledged.
            with suppress(SessionLost):
                await self._converse(customer, left)
            said += len(customer.sent)

    async def _converse(self, customer: Customer, messages: int | None) -> None:
        """Until everything is said, or the customer was handed to a person."""
        while not self._is_over and (messages is None or len(customer.sent) < messages):
            # Said in a burst, two are one turn, or two turns that wait for each other.
            for number in range(1 + (self.chance.random() < 0.2)):
                if number and self._is_over:
                    break
                acknowledged = await customer.say(self.say(self.chance, f"{customer.session_id}-{len(customer.sent)}"))
            if acknowledged.turn_id is None:
                return
            await customer.wait_for_end(acknowledged.turn_id)
