"""One customer of a load test: opens a session, says things, waits for answers, and reads the transcript at the end.

The invariant: what is not acknowledged is sent again under the same id, and reading goes on behind the last event seen; so whatever is
lost or doubled in the end is the server's doing.
"""

import asyncio
import random
from typing import Any

import aiohttp

from deskhand.cli.loadtest.answers import CONNECT_SECONDS, FAULTS, SILENCE_SECONDS, NotNow, Refused, body_of, decode, events_of, patient
from deskhand.cli.loadtest.figures import Record, Turn
from deskhand.cli.loadtest.plan import Plan, Transport
from deskhand.cli.loadtest.watching import Event, Exchange, Reader, Watch, check_transcript

_PONG_SECONDS = 10.0
_IDLE_PING_SECONDS = 20.0
_SHORTEST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 3.0
_PAGE = 100


class Visitor:
    def __init__(self, plan: Plan, http: aiohttp.ClientSession, record: Record, *, transport: Transport, chance: random.Random) -> None:
        self.session_id = ""
        self.transport = transport
        self.exchanges: list[Exchange] = []
        self._plan = plan
        self._http = http
        self._record = record
        self._chance = chance
        self._headers: dict[str, str] = {}
        self._token = ""
        self._reader = Reader(Watch(sees_all=transport is Transport.WEBSOCKET))
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._has_connected = False
        self._turn = Turn(transport.value)
        self._sent_at = 0.0
        self._turn_id: str | None = None
        self._is_over = False
        self._answer: str | None = None
        self._is_handed_over = False

    async def converse(self, *, after_seconds: float = 0.0) -> None:
        """Say all there is to say, then compare. What goes wrong is in the record; nothing is raised but a cancellation."""
        try:
            await self.open()
            for number in range(1, self._plan.turns + 1):
                await asyncio.sleep(after_seconds if number == 1 else self._chance.expovariate(1 / max(self._plan.think_seconds, 1e-6)))
                await self.say(f"{self._chance.choice(self._plan.questions)} ({number})", client_message_id=f"load{number}")
                if self._is_handed_over:
                    break
            await self.check()
        except Refused as error:
            self._record.errors[str(error)] += 1
        finally:
            await self.close()

    async def open(self) -> None:
        """Raises Refused."""
        headers = {"X-API-Key": self._plan.key} if self._plan.key is not None else {}
        body = {"metadata": {"channel": "loadtest"}}
        started = self._now()
        opened = await self._until_done(lambda: self._ask("POST", "/sessions", headers=headers, json=body))
        self._record.opened.append(self._now() - started)
        self.session_id, self._token = opened["session_id"], opened["token"]
        self._headers = {"Authorization": f"Bearer {self._token}"}

    async def connect(self) -> None:
        """Open the WebSocket. Raises one of `FAULTS`, or NotNow."""
        address = f"{self._plan.url.replace('http', 'ws', 1)}/ws?session_id={self.session_id}"
        async with asyncio.timeout(CONNECT_SECONDS):
            self._socket = await self._http.ws_connect(
                address, protocols=("deskhand", f"token.{self._token}"), timeout=aiohttp.ClientWSTimeout(ws_close=1.0), max_msg_size=0
            )
            greeting = await self._socket.receive()
        if greeting.type is not aiohttp.WSMsgType.TEXT:
            raise NotNow(f"websocket closed with {self._socket.close_code}")
        if self._has_connected:
            self._reader.reconnect(may_step_back=True)
            self._record.reconnects += 1
            await self._socket.send_json({"type": "resume", "after": self._reader.watch.cursor})
        self._has_connected = True

    async def say(self, content: str, *, client_message_id: str) -> None:
        """Say one thing and wait for the end of its turn. Raises Refused."""
        self._turn = Turn(self.transport.value)
        self._turn_id, self._is_over, self._answer = None, False, None
        self._record.said += 1
        self._sent_at = self._now()
        body = {"message": content, "client_message_id": client_message_id}
        ways = {Transport.REST: self._wait, Transport.SSE: self._stream, Transport.WEBSOCKET: self._talk}
        try:
            async with asyncio.timeout(self._plan.limit_seconds):
                await self._until_done(lambda: ways[self.transport](body))
        except TimeoutError:
            self._record.errors[f"no answer within {self._plan.limit_seconds:g} s"] += 1
        self._record.turns.append(self._turn)
        is_acknowledged = self._turn.acknowledged is not None or self._is_over
        self.exchanges.append(Exchange(client_message_id, content, is_acknowledged, self._answer))

    async def stay(self) -> None:
        """Keep a connection for ever, and say nothing."""
        while True:
            try:
                if self._socket is None or self._socket.closed:
                    await self.connect()
                assert self._socket is not None
                # Something is said now and then, or a dead connection would never be noticed.
                await self._socket.send_json({"type": "ping"})
                message = await self._socket.receive(timeout=_PONG_SECONDS)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise NotNow(f"idle: websocket closed with {self._socket.close_code}")
                await self._wait_for_close()
            except (NotNow, *FAULTS) as error:
                self._record.errors[error.kind if isinstance(error, NotNow) else f"idle: {type(error).__name__}"] += 1
                await self.close()
                await asyncio.sleep(self._chance.uniform(0, _LONGEST_WAIT_SECONDS))

    async def _wait_for_close(self) -> None:
        """Until the connection ends, or it is time to look after it."""
        assert self._socket is not None
        try:
            message = await self._socket.receive(timeout=_IDLE_PING_SECONDS)
        except TimeoutError:
            return
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise NotNow(f"idle: websocket closed with {self._socket.close_code}")

    async def check(self) -> None:
        """Compare the transcript with what was said, and delete the session unless it is to be kept. Raises Refused."""
        stored: list[dict[str, Any]] = []
        path = f"/chat/sessions/{self.session_id}/messages"
        while True:
            offset = len(stored)
            page = await self._until_done(lambda: self._ask("GET", f"{path}?limit={_PAGE}&offset={offset}", headers=self._headers))  # noqa: B023 - awaited here
            stored += page["messages"]
            if not page["messages"] or len(stored) >= page["total"]:
                break
        wrong = [*self._reader.watch.faults, *check_transcript(self.exchanges, stored)]
        self._record.faults += [f"{self.session_id} ({self.transport}): {each}" for each in wrong]
        # What went wrong is left for whoever wants to look at it.
        if not self._plan.keep and not wrong:
            await self.leave()

    async def leave(self) -> None:
        await self._until_done(lambda: self._ask("DELETE", f"/sessions/{self.session_id}", headers=self._headers))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _until_done(self, step: Any) -> Any:
        """Take a step again until it succeeds. Raises Refused, TimeoutError: it did not in the time for an answer."""
        tries = 0
        async with asyncio.timeout(self._plan.limit_seconds):
            while True:
                try:
                    return await step()
                except NotNow as error:
                    kind, wait = error.kind, error.wait_seconds
                except FAULTS as error:
                    kind, wait = type(error).__name__, None
                self._record.errors[kind] += 1
                tries += 1
                await asyncio.sleep(wait or min(_LONGEST_WAIT_SECONDS, _SHORTEST_WAIT_SECONDS * 2**tries) * self._chance.uniform(0.5, 1))

    async def _ask(self, method: str, path: str, *, headers: dict[str, str], **body: Any) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=self._plan.limit_seconds, sock_connect=CONNECT_SECONDS)
        async with self._http.request(method, f"{self._plan.api}{path}", headers=headers, timeout=timeout, **body) as response:
            return await body_of(response)

    async def _wait(self, body: dict[str, str]) -> None:
        answer = await self._ask("POST", f"/chat/sessions/{self.session_id}/messages", headers=self._headers, json=body)
        self._is_over = True
        if answer.get("turn_id") is None:
            self._hand_over()
            return
        self._finish({"type": "complete", "message": answer["message"], "requires_escalation": answer["requires_escalation"]})

    async def _stream(self, body: dict[str, str]) -> None:
        if self._turn.acknowledged is None:
            headers = self._headers | {"Accept": "text/event-stream"}
            request = self._http.post(
                f"{self._plan.api}/chat/sessions/{self.session_id}/messages", json=body, headers=headers, timeout=patient()
            )
            self._reader.reconnect(may_step_back=False)
        else:
            headers = self._headers | {"Accept": "text/event-stream", "Last-Event-ID": self._reader.watch.cursor}
            request = self._http.get(f"{self._plan.api}/sessions/{self.session_id}/events", headers=headers, timeout=patient())
            self._record.reconnects += 1
        async with request as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                taken = await body_of(response)
                self._take_acknowledgement(taken.get("turn_id"))
                return
            async for event in events_of(response):
                self._take(event, body["client_message_id"])
                if self._is_over:
                    return
        raise NotNow("stream ended early")

    async def _talk(self, body: dict[str, str]) -> None:
        try:
            if self._socket is None or self._socket.closed:
                await self.connect()
            assert self._socket is not None
            if self._turn.acknowledged is None:
                await self._socket.send_json(
                    {"type": "message", "content": body["message"], "client_message_id": body["client_message_id"]}
                )
            while not self._is_over:
                message = await self._socket.receive(timeout=SILENCE_SECONDS)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise NotNow(f"websocket closed with {self._socket.close_code}")
                self._take(decode(message.data), body["client_message_id"])
        except (NotNow, *FAULTS):
            if self._socket is not None:
                await self._socket.close()
            raise

    def _take(self, event: Event, client_message_id: str) -> None:
        if "id" not in event:
            if event["type"] == "error":
                raise NotNow(f"websocket: {event['error']}", wait_seconds=1.0)
            return
        if not self._reader.take(event):
            return
        if event["type"] == "acknowledged" and event["client_message_id"] == client_message_id:
            self._take_acknowledgement(event["turn_id"])
        elif self._turn_id is not None and event.get("turn_id") == self._turn_id:
            if event["type"] == "text" and self._turn.first is None:
                self._turn.first = self._now() - self._sent_at
            elif event["type"] in {"complete", "error", "cancelled"}:
                self._is_over = True
                self._finish(event)

    def _take_acknowledgement(self, turn_id: str | None) -> None:
        if self._turn.acknowledged is None:
            self._turn.acknowledged = self._now() - self._sent_at
        self._turn_id = turn_id
        if turn_id is None:
            self._hand_over()

    def _hand_over(self) -> None:
        self._is_over = self._is_handed_over = True
        self._record.handed_over += 1

    def _finish(self, event: Event) -> None:
        self._turn.ended = self._now() - self._sent_at
        if event["type"] != "complete":
            self._record.errors[f"turn: {event.get('error') or event.get('reason') or event['type']}"] += 1
            return
        self._answer = event["message"]
        self._record.answered += 1
        # A person answers from here on.
        self._is_handed_over = bool(event["requires_escalation"])
