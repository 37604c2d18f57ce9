"""Texts into vectors, by the model that the wheel carries, on this machine's processor.

Invariant: a vector is 384 float32 of unit length, and depends on nothing but the text and the model. Longer texts than
`MAX_TOKENS` count with their beginning alone.

Each batch runs on one thread and several run side by side: half as fast again, on four cores, as one batch spread over all of them, and a
query pays no hand-over between threads.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deskhand.knowledge.errors import KnowledgeUnavailable

DIMENSIONS = 384
MAX_TOKENS = 256
MODEL = "all-MiniLM-L6-v2"
BUNDLED = Path(__file__).parent / "minilm"

# Tokens, padding included, of one batch: as much as one text may have. Larger ones are no faster here and take 100 MB more each.
_BATCH_TOKENS = MAX_TOKENS
_FILES = ("model.onnx", "tokenizer.json", "model.json")
# English has about four characters to a piece of the model's vocabulary. A language it never saw falls into single letters.
_FOREIGN_CHARACTERS = 1.0
_NATIVE_CHARACTERS = 3.5
_UNKNOWN = "[UNK]"

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: Any
    tokenizer: Any
    fingerprint: str


class Embedder:
    """Loads the model at first use. Every method blocks for its computation: call it from a thread. Safe to use from several."""

    def __init__(self, *, folder: Path = BUNDLED, threads: int = 0) -> None:
        """`threads` is how many batches run at once; 0 means one for each processor."""
        self._folder = folder
        self._threads = threads or _processors()
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    def recipe(self) -> str:
        """Names what the vectors depend on; changes whenever they do.

        Raises:
            KnowledgeUnavailable: the model is missing or broken.
        """
        return f"{MODEL}/{MAX_TOKENS}/{self._model().fingerprint[:12]}"

    def prepare(self) -> None:
        """Load the model now.

        Raises:
            KnowledgeUnavailable: the model is missing or broken.
        """
        self._model()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, in their order: float32, [len(texts), 384].

        Raises:
            KnowledgeUnavailable: the model is missing or broken.
        """
        model = self._model()
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        if not texts:
            return vectors
        encodings = model.tokenizer.encode_batch_fast(list(texts))
        batches = _batches([len(encoding.ids) for encoding in encodings])
        if len(batches) == 1 or self._threads == 1:
            for batch in batches:
                vectors[batch] = _run(model.session, [encodings[index].ids for index in batch])
            return vectors
        with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
            results = pool.map(lambda batch: _run(model.session, [encodings[index].ids for index in batch]), batches)
            for batch, result in zip(batches, results, strict=True):
                vectors[batch] = result
        return vectors

    def familiarity(self, text: str) -> float:
        """How well the model knows the language of `text`, from 0 (not at all) to 1 (English). 0 for a text without words.

        Told by how long the pieces are that its vocabulary finds, which needs no list of languages.
        """
        encoding = self._model().tokenizer.encode(text, add_special_tokens=False)
        pieces = characters = 0
        for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
            if token == _UNKNOWN:
                pieces += 1
            elif token.startswith("##") or token.isalpha():
                pieces += 1
                characters += end - start
        if pieces == 0:
            return 0.0
        share = (characters / pieces - _FOREIGN_CHARACTERS) / (_NATIVE_CHARACTERS - _FOREIGN_CHARACTERS)
        return min(1.0, max(0.0, share))

    def knows_word(self, word: str) -> bool:
        """Whether `word` is in the model's vocabulary as one piece."""
        return self._model().tokenizer.token_to_id(word) is not None

    def _model(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            return self._loaded


def _processors() -> int:
    """Those this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


# Whoever opens several knowledge bases in one process has the model once: it takes 0.2 s of a processor and 50 MB.
@lru_cache(maxsize=1)
def _load(folder: Path) -> _Loaded:
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise KnowledgeUnavailable(
            f"The embedding model is not installed: {folder / missing[0]} is missing.",
            support="Run 'make model' in a source tree, or install Deskhand from its wheel, which carries the model.",
        )
    # ONNX Runtime reports to its maker from its import on, and keeps an id of this machine, unless it is told before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # Imported here because it takes 150 ms, which a command that only lists documents need not wait for.
    import onnxruntime  # noqa: PLC0415
    import tokenizers  # noqa: PLC0415
    from onnxruntime.capi import onnxruntime_pybind11_state as faults  # noqa: PLC0415

    damaged = (
        faults.Fail,
        faults.InvalidProtobuf,
        faults.InvalidGraph,
        faults.NoSuchFile,
        faults.RuntimeException,
        ValueError,
        KeyError,
        OSError,
    )
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        vocabulary = (folder / "tokenizer.json").read_text(encoding="utf-8")
        # Told apart here, because the tokenizer says of broken JSON no more than `Exception`.
        json.loads(vocabulary)
        tokenizer = tokenizers.Tokenizer.from_str(vocabulary)
        fingerprint = str(json.loads((folder / "model.json").read_text(encoding="utf-8"))["fingerprint"])
    except damaged as error:
        raise KnowledgeUnavailable(
            f"The embedding model in {folder} is damaged.", support="Delete that folder and run 'make model', or install the wheel again."
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return _Loaded(session, tokenizer, fingerprint)


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Places grouped by like length, longest first, so that little is padded and the last batches to end are short ones."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        size = max(1, _BATCH_TOKENS // max(1, lengths[order[start]]))
        batches.append(order[start : start + size])
        start += size
    return batches


def _run(session: Any, ids: Sequence[Sequence[int]]) -> Vectors:
    longest = max(len(row) for row in ids)
    tokens = np.zeros((len(ids), longest), np.int64)
    mask = np.zeros((len(ids), longest), np.int64)
    for row, values in enumerate(ids):
        tokens[row, : len(values)] = values
        mask[row, : len(values)] = 1
    vectors: Vectors = session.run(["embedding"], {"input_ids": tokens, "attention_mask": mask})[0]
    return vectors
