"""The least that a chat server can do, as a floor to compare with: a bare FastAPI proxy with SQLite.

It hands the conversation to the model, sends on what comes as server-sent events, and stores question and answer with one commit a turn.
No queue, no identity, no resumption: a process that dies in the middle of an answer loses it. It answers on Deskhand's paths, so that
the same client drives both.
"""

import argparse
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pysqlite3.dbapi2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

_HISTORY = 20
_SCHEMA = (
    "CREATE TABLE message (id INTEGER PRIMARY KEY, session TEXT, role TEXT, content TEXT); CREATE INDEX of_session ON message (session, id)"
)


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta


class Chunk(msgspec.Struct):
    choices: list[Choice]


class Say(msgspec.Struct):
    message: str


_chunks = msgspec.json.Decoder(Chunk)
_says = msgspec.json.Decoder(Say)


def create_app(model_url: str, database: str) -> FastAPI:
    connection = pysqlite3.dbapi2.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as app.state.http:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/sessions", status_code=201)
    async def open_session() -> dict[str, Any]:
        session = f"sess_{secrets.token_hex(6)}"
        return {"session_id": session, "token": session}

    @app.get("/api/chat/sessions/{session}/messages")
    async def list_messages(session: str, limit: int = 1000) -> dict[str, Any]:
        rows = connection.execute("SELECT role, content FROM message WHERE session = ? ORDER BY id LIMIT ?", (session, limit)).fetchall()
        return {"messages": [{"role": role, "content": content, "status": "complete"} for role, content in rows], "total": len(rows)}

    @app.post("/api/chat/sessions/{session}/messages")
    async def send_message(session: str, request: Request) -> StreamingResponse:
        said = _says.decode(await request.body()).message
        return StreamingResponse(_answer(session, said), media_type="text/event-stream")

    async def _answer(session: str, said: str) -> AsyncIterator[bytes]:
        rows = connection.execute("SELECT role, content FROM message WHERE session = ? ORDER BY id DESC LIMIT ?", (session, _HISTORY))
        messages = [{"role": {"customer": "user"}.get(role, role), "content": content} for role, content in reversed(rows.fetchall())]
        messages.append({"role": "user", "content": said})
        body = msgspec.json.encode({"model": "test", "stream": True, "messages": messages})
        texts: list[str] = []
        rest = b""
        headers = {"Content-Type": "application/json"}
        async with app.state.http.post(f"{model_url}/chat/completions", data=body, headers=headers) as response:
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                new: list[str] = []
                for line in lines:
                    if line.startswith(b"data: {"):
                        chunk = _chunks.decode(line[6:])
                        if chunk.choices and (text := chunk.choices[0].delta.content):
                            new.append(text)
                if new:
                    texts += new
                    yield b"event: text\ndata: " + msgspec.json.encode({"type": "text", "delta": "".join(new)}) + b"\n\n"
        answer = "".join(texts)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO message (session, role, content) VALUES (?, ?, ?)", [(session, "customer", said), (session, "assistant", answer)]
        )
        connection.execute("COMMIT")
        yield b"event: complete\ndata: " + msgspec.json.encode({"type": "complete", "message": answer}) + b"\n\n"

    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.floor")
    parser.add_argument("--model", required=True)
    parser.add_argument("--database", required=True)
    given = parser.parse_args()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(create_app(given.model, given.database), http="httptools", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
