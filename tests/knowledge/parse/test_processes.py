"""The processes that read documents: what they may use, what they may do, and when they end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

import deskhand
from deskhand.errors import TooLarge, UnsupportedKind
from deskhand.knowledge import Document, DocumentReader, ParsedDocument, ReaderOptions, UnreadableDocument
from deskhand.knowledge.parse import ReadersUnavailable
from knowledge.parse import made
from parts.readers import find_readers

_STORM = made.pdf(["BT /F1 1 Tf " + "(aaaaaaaa) Tj " * 400_000 + "ET"], pack=True)
_FORBIDDEN = """
import ctypes, json, mmap, os, resource, socket, sys
from deskhand.parsing import sandbox
from deskhand.parsing.wire import Limits

def tried(work):
    try:
        work()
    except OSError as error:
        return error.errno
    except MemoryError:
        return "memory"
    return "done"

parent = os.getppid()
attempts = {
    "open": lambda: open("/etc/passwd"),
    "write": lambda: open("/tmp/deskhand-was-here.txt", "w"),
    "list": lambda: os.listdir("/"),
    "socket": socket.socket,
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["/bin/true"]),
    "signal": lambda: os.kill(parent, 0),
    "limits of others": lambda: resource.prlimit(parent, resource.RLIMIT_CPU),
    "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC | mmap.PROT_READ),
    "memory": lambda: bytearray(600_000_000),
}
confined = sandbox.confine(Limits(memory_bytes=512 << 20, cpu_seconds=5))
os.write(1, json.dumps([confined, {name: tried(work) for name, work in attempts.items()}]).encode())
"""


@pytest.fixture
async def reader() -> AsyncIterator[DocumentReader]:
    opened = DocumentReader(ReaderOptions(processes=1))
    yield opened
    await opened.close()


def _wait_until_it_works(child: psutil.Process) -> None:
    used = child.cpu_times().user
    while child.cpu_times().user < used + 0.1:
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters system calls")
def test_a_confined_process_can_only_compute() -> None:
    source = str(Path(deskhand.__file__).parents[1])
    program = f"import sys; sys.path.insert(0, {source!r})\n{_FORBIDDEN}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=30)
    confined, found = json.loads(done.stdout)
    assert confined
    assert found.pop("memory") == "memory"
    assert set(found.values()) == {1}, found


def test_the_server_does_not_load_what_reads_documents() -> None:
    program = "import sys, deskhand.app; print([name for name in ('pypdfium2', 'python_calamine', 'olefile') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60).stdout.strip() == b"[]"


async def test_no_process_is_started_before_a_document_comes(reader: DocumentReader) -> None:
    before = len(find_readers())
    assert before == 0
    await reader.read("a.txt", None, b"words")
    assert len(find_readers()) == 1


async def test_a_process_has_nothing_of_the_servers(reader: DocumentReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_MODEL_API_KEY", "secret-of-the-server")
    await reader.read("a.txt", None, b"words")
    (child,) = find_readers()
    assert "secret-of-the-server" not in str(child.environ())
    assert child.num_fds() == 3
    assert child.cwd() == "/"


async def test_one_process_reads_many_documents(reader: DocumentReader) -> None:
    documents = [Document(f"{number}.md", None, f"# Text {number}".encode()) for number in range(300)]
    found = await reader.read_many(documents)
    assert [one.title for one in found if isinstance(one, ParsedDocument)] == [f"Text {number}" for number in range(300)]
    assert len(find_readers()) == 1


async def test_a_process_is_replaced_after_so_many_documents() -> None:
    reader = DocumentReader(ReaderOptions(processes=1, documents_per_process=2))
    await reader.read("a.txt", None, b"words")
    (first,) = find_readers()
    await reader.read("a.txt", None, b"words")
    await reader.read("a.txt", None, b"words")
    (second,) = find_readers()
    assert first.pid != second.pid
    await reader.close()


async def test_too_much_processor_time_is_refused_and_the_rest_is_read() -> None:
    reader = DocumentReader(ReaderOptions(processes=1, cpu_seconds=1))
    documents = [Document("a.txt", None, b"before"), Document("storm.pdf", None, _STORM), Document("b.txt", None, b"after")]
    before, storm, after = await reader.read_many(documents)
    assert isinstance(before, ParsedDocument)
    assert isinstance(storm, UnreadableDocument)
    assert "more than 1 seconds of processor time" in storm.message
    assert isinstance(after, ParsedDocument)
    await reader.close()


async def test_too_long_is_refused() -> None:
    reader = DocumentReader(ReaderOptions(processes=1, wall_seconds=0.5))
    with pytest.raises(UnreadableDocument, match=r"longer than 0\.5 seconds"):
        await reader.read("storm.pdf", None, _STORM)
    await reader.close()


async def test_too_much_memory_is_refused(reader: DocumentReader) -> None:
    with pytest.raises(UnreadableDocument, match="memory"):
        await reader.read("a.json", None, b"[" + b"[]," * 8_000_000 + b"[]]")
    assert (await reader.read("a.txt", None, b"words")).text == "words"


async def test_a_process_that_was_killed_while_idle_is_not_missed(reader: DocumentReader) -> None:
    await reader.read("a.txt", None, b"words")
    (child,) = find_readers()
    child.kill()
    child.wait(10)
    assert (await reader.read("a.txt", None, b"more words")).text == "more words"


async def test_errors_keep_their_kind(reader: DocumentReader) -> None:
    with pytest.raises(UnsupportedKind, match=r"'\.exe'"):
        await reader.read("a.exe", None, b"MZ")
    small = DocumentReader(ReaderOptions(processes=1, max_bytes=10))
    with pytest.raises(TooLarge):
        await small.read("a.txt", None, b"x" * 11)
    await small.close()


async def test_when_no_process_can_be_started_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    reader = DocumentReader(ReaderOptions(processes=1))
    with pytest.raises(ReadersUnavailable):
        await reader.read("a.txt", None, b"words")
    await reader.close()


async def test_the_processes_end_with_the_reader() -> None:
    reader = DocumentReader(ReaderOptions(processes=1))
    await reader.read("a.txt", None, b"words")
    (child,) = find_readers()
    await reader.close()
    assert not child.is_running()


async def test_closing_does_not_wait_for_a_long_document() -> None:
    reader = DocumentReader(ReaderOptions(processes=1, cpu_seconds=60, wall_seconds=60))
    await reader.read("a.txt", None, b"words")
    reading = asyncio.create_task(reader.read("storm.pdf", None, _STORM * 3))
    (child,) = find_readers()
    await asyncio.to_thread(_wait_until_it_works, child)
    await asyncio.wait_for(reader.close(), 5)
    with pytest.raises(ReadersUnavailable):
        await reading


@pytest.mark.parametrize("killed", [signal.SIGKILL, signal.SIGTERM])
async def test_no_process_outlives_the_server(killed: signal.Signals) -> None:
    program = (
        "import asyncio, psutil\nfrom deskhand.knowledge import DocumentReader\n"
        "async def main():\n    reader = DocumentReader()\n    await reader.read('a.txt', None, b'words')\n"
        "    print(psutil.Process().children()[0].pid, flush=True)\n    await asyncio.Event().wait()\nasyncio.run(main())"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    child = psutil.Process(int(await asyncio.wait_for(server.stdout.readline(), 30)))
    os.kill(server.pid, killed)
    await server.wait()
    gone, _ = await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE
