"""The customers: many conversations at once, each one turn after the other, in a process of their own.

Run by `bench.conversations`: opens its sessions, says "ready", waits for a line, talks, says what it saw, and checks the transcript.
"""

import argparse
import asyncio
import sys
import time

import msgspec
import uvloop

from bench.connection import Answer, Connection, encode


class Turn(msgspec.Struct):
    """Seconds, all since the whole load began: when it was sent, when the first text and the end of the answer came."""

    number: int
    sent: float
    text: float | None
    ended: float


class Report(msgspec.Struct):
    turns: list[Turn]
    seconds: float
    problems: list[str]


class Conversation:
    def __init__(self, connection: Connection, *, number: int, session: str, token: str) -> None:
        self.connection = connection
        self.number = number
        self.session = session
        self.token = token
        self.answers: list[Answer] = []

    @property
    def path(self) -> str:
        return f"/api/chat/sessions/{self.session}/messages"

    def question(self, turn: int, directive: str) -> str:
        return f"Question {turn} of conversation {self.number}: how do I reset my password, and what then?{directive}"

    async def talk(self, first: int, last: int, *, directive: str, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        for turn in range(first, last + 1):
            body = {"message": self.question(turn, directive), "client_message_id": f"q{turn}"}
            self.answers.append(
                await self.connection.send(encode("POST", self.path, token=self.token, body=body, accept="text/event-stream"))
            )

    async def check(self, turns: int, directive: str) -> list[str]:
        """What is wrong with the answers or with the transcript: every message there, in order, each answer whole."""
        problems: list[str] = []
        expected: list[tuple[str, str]] = []
        for number, answer in enumerate(self.answers, start=1):
            events = answer.events()
            last = events[-1] if events else {}
            if answer.status != 200 or last.get("type") != "complete":
                problems.append(f"conversation {self.number}, turn {number}: {answer.status}, ended with {last or answer.content[:200]!r}")
                continue
            text = "".join(event["delta"] for event in events if event["type"] == "text")
            if text not in {last["message"], ""}:
                # No text at all is right: whoever comes when the answer has ended is given it whole, in its last event.
                problems.append(f"conversation {self.number}, turn {number}: the text sent is {text!r}")
            expected += [("customer", self.question(number, directive)), ("assistant", last["message"])]
        stored: list[tuple[str, str]] = []
        while True:
            page = (await self.connection.request("GET", f"{self.path}?limit=100&offset={len(stored)}", token=self.token)).json()
            stored += [(message["role"], message["content"]) for message in page["messages"] if message["status"] == "complete"]
            if not page["messages"] or len(stored) >= page["total"]:
                break
        if stored != expected or len(stored) != 2 * turns:
            problems.append(f"conversation {self.number}: the transcript has {len(stored)} messages and is not what was said")
        return problems


async def open_conversation(url: str, number: int) -> Conversation:
    connection = await Connection.open(url)
    opened = (await connection.request("POST", "/api/sessions", body={})).json()
    return Conversation(connection, number=number, session=opened["session_id"], token=opened["token"])


async def run(given: argparse.Namespace) -> None:
    conversations = [await open_conversation(given.url, number) for number in range(given.conversations)]
    last = 0
    while True:
        print("ready", flush=True)
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not line.strip():
            break
        first, last = last + 1, int(line)
        started = time.perf_counter()
        await asyncio.gather(
            *(
                each.talk(first, last, directive=given.directive, after_seconds=given.spread_ms / 1000 * each.number / len(conversations))
                for each in conversations
            )
        )
        seconds = time.perf_counter() - started
        print("done", flush=True)
        turns = [turn for conversation in conversations for turn in _turns(conversation.answers[first - 1 :], first=first, started=started)]
        problems = [problem for conversation in conversations for problem in await conversation.check(last, given.directive)]
        sys.stdout.write(msgspec.json.encode(Report(turns, seconds, problems)).decode() + "\n")
        sys.stdout.flush()


def _turns(answers: list[Answer], *, first: int, started: float) -> list[Turn]:
    return [
        Turn(
            number, answer.started_at - started, answer.text_at - started if answer.text_at is not None else None, answer.ended_at - started
        )
        for number, answer in enumerate(answers, start=first)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.talk")
    parser.add_argument("--url", required=True)
    parser.add_argument("--conversations", type=int, required=True)
    parser.add_argument("--directive", default="")
    parser.add_argument("--spread-ms", type=float, default=0.0, help="begin the conversations over this time instead of all at once")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
