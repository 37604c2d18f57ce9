"""Documents in: the whole of `deskhand ingest` on a corpus, against the embedding model alone on the same texts.

Embedding is the work that cannot be spared, so the ratio says what parsing, chunking and storing add to it. CPU is the figure to compare
when other programs run on the machine.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pysqlite3.dbapi2

from bench.report import keep, show, verdict
from bench.servers import clean_environment
from deskhand.knowledge.chunking import Chunk, heading_of, indexed_text
from deskhand.knowledge.embedding import Embedder

MOST_SECONDS = 60.0
_CORPUS = Path("kb_tau_banking/corpus.jsonl")
_CHUNKS_AT_ONCE = 128


class Cost(msgspec.Struct):
    """What a stretch of work took: seconds of the clock, and CPU of all its threads."""

    chunks: int
    seconds: float
    cpu_seconds: float


class CorpusMissing(Exception):
    """The corpus that the benchmark reads is not there."""


def run(data: Path) -> bool:
    """Raises CorpusMissing."""
    corpus = (data / _CORPUS).resolve()
    if not corpus.is_file():
        raise CorpusMissing(f"{corpus} is missing; name the folder that holds it with --data.")
    with tempfile.TemporaryDirectory(prefix="deskhand-bench-") as folder:
        whole, documents = _ingest(corpus, Path(folder))
        command = [sys.executable, "-m", "bench.ingest", f"{folder}/data/deskhand.db"]
        alone = msgspec.json.decode(subprocess.check_output(command, env=clean_environment()), type=Cost)
    held = whole.seconds <= MOST_SECONDS
    rows = [
        ("deskhand ingest", whole.seconds, whole.cpu_seconds, whole.chunks / whole.seconds),
        ("the embedding model alone", alone.seconds, alone.cpu_seconds, alone.chunks / alone.seconds),
    ]
    show(f"ingest: {documents} documents, {whole.chunks:,} chunks", ("work", "seconds", "CPU s", "chunks/s"), rows)
    ratio = whole.cpu_seconds / alone.cpu_seconds
    print(f"  ratio to the model alone: {ratio:.2f} in CPU, {whole.seconds / alone.seconds:.2f} in time; under a minute: {verdict(held)}")
    keep(
        "ingest",
        {
            "documents": documents,
            "chunks": whole.chunks,
            "seconds": round(whole.seconds, 2),
            "cpu_seconds": round(whole.cpu_seconds, 2),
            "chunks_per_second": round(whole.chunks / whole.seconds, 1),
            "model_alone_seconds": round(alone.seconds, 2),
            "model_alone_cpu_seconds": round(alone.cpu_seconds, 2),
            "cpu_ratio": round(ratio, 3),
            "held": held,
        },
    )
    return held


def _ingest(corpus: Path, folder: Path) -> tuple[Cost, int]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "deskhand", "ingest", "--json", str(corpus)]
    environment = {**clean_environment(), "DESKHAND_DATA_DIR": str(folder / "data"), "DESKHAND_LOG_LEVEL": "WARNING"}
    printed = subprocess.check_output(command, env=environment, cwd=folder, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(printed)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(report["chunks"], seconds, cpu), report["indexed"]


def _embed_alone(database: str) -> Cost:
    """Embed again what was embedded of every chunk, itself under its title and its headings, with a model that is loaded already."""
    rows = pysqlite3.dbapi2.connect(database).execute(
        "SELECT c.text, c.section, d.title FROM knowledge_chunk AS c JOIN knowledge_document AS d ON d.id = c.document_id ORDER BY c.id"
    )
    found = [(Chunk(text, section, None), title) for text, section, title in rows]
    embedder = Embedder()
    embedder.prepare()
    started, cpu_started = time.perf_counter(), time.process_time()
    for at in range(0, len(found), _CHUNKS_AT_ONCE):
        batch = found[at : at + _CHUNKS_AT_ONCE]
        headings = {heading: None for chunk, title in batch if (heading := heading_of(chunk, title=title)) is not None}
        embedder.embed([*(indexed_text(chunk, title=title) for chunk, title in batch), *headings])
    return Cost(len(found), time.perf_counter() - started, time.process_time() - cpu_started)


if __name__ == "__main__":
    os.write(1, msgspec.json.encode(_embed_alone(sys.argv[1])))
