"""Builds the embedding model that the wheel carries, from the weights that `make` fetched.

Run at build time alone, by `make model`. Owns `src/deskhand/knowledge/minilm/`. Its invariant: nothing is written there that was not
first held to `minilm_reference`, the same network computed another way from the original weights.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import minilm_graph
import minilm_reference

MAX_TOKENS = 256
LEAST_COSINE = 0.99999
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
SENTENCES = (
    "How do I reset my password?",
    "a",
    "Überweisung nach Österreich, 日本語, naïve café № 5 – 100 €",
    "Refunds are paid within 14 days, to the card that was used. " * 8,
    "statement " * 600,
)
ORIGIN = """\
all-MiniLM-L6-v2, by the sentence-transformers authors, Apache License 2.0 (see LICENSE).

Changed here: the matrices are rounded to half precision, the network is written as an ONNX graph that ends in mean pooling and the
L2 norm, and the tokenizer truncates at 256 tokens and pads to the longest text of a batch.
"""


class ModelBuildError(Exception):
    """The model could not be built. The message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the embedding model that the wheel carries.")
    parser.add_argument("--weights", type=Path, required=True, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--into", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--licence", type=Path, required=True, help="the text of the Apache License 2.0")
    options = parser.parse_args(arguments)
    try:
        built = build(options.weights, into=options.into, licence=options.licence)
    except ModelBuildError as error:
        sys.stderr.write(f"The embedding model was not built: {error}\n")
        return 1
    sys.stdout.write(f"Embedding model {'built in' if built else 'is up to date in'} {options.into}\n")
    return 0


def build(weights_folder: Path, *, into: Path, licence: Path) -> bool:
    """Write the model to `into`, which is replaced whole. False when it was already there, built from the same input by the same code.

    Raises:
        ModelBuildError: the weights are missing or are not the expected ones, or the graph does not agree with the reference.
    """
    weights_file = weights_folder / "model.safetensors"
    tokenizer_file = weights_folder / "tokenizer.json"
    _check(weights_file, WEIGHTS_SHA256)
    _check(tokenizer_file, TOKENIZER_SHA256)
    built_from = _inputs()
    if _is_current(into, built_from):
        return False
    staging = into.with_name(f"{into.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    weights = load_file(weights_file)
    tokenizer = _write_tokenizer(tokenizer_file, staging / "tokenizer.json")
    _write_graph(weights, staging)
    cosine = _verify(weights, tokenizer, staging / "model.onnx")
    shutil.copyfile(licence, staging / "LICENSE")
    (staging / "ORIGIN.txt").write_text(ORIGIN, encoding="utf-8")
    facts = {
        "name": "all-MiniLM-L6-v2",
        "dimensions": minilm_graph.HIDDEN,
        "max_tokens": MAX_TOKENS,
        "least_cosine_to_reference": round(cosine, 8),
        "fingerprint": _sha256(*(staging / name for name in ("model.onnx", "model.onnx.data", "tokenizer.json"))),
        "built_from": built_from,
    }
    (staging / "model.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(into, ignore_errors=True)
    staging.rename(into)
    return True


def _check(file: Path, sha256: str) -> None:
    if not file.is_file():
        message = f"{file} is missing. `make model` fetches it."
        raise ModelBuildError(message)
    found = _sha256(file)
    if found != sha256:
        message = f"{file} is not the file this tool was written for (sha256 {found}, expected {sha256})."
        raise ModelBuildError(message)


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _inputs() -> str:
    """Identifies what a build is made from. The vectors are identified by `fingerprint`, which a change of wording here leaves alone."""
    sources = (Path(__file__), Path(minilm_graph.__file__))
    return hashlib.sha256(f"{WEIGHTS_SHA256} {TOKENIZER_SHA256} {onnx.__version__} {_sha256(*sources)}".encode()).hexdigest()


def _is_current(into: Path, built_from: str) -> bool:
    facts = into / "model.json"
    return facts.is_file() and json.loads(facts.read_text(encoding="utf-8"))["built_from"] == built_from


def _write_tokenizer(source: Path, target: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    tokenizer.save(str(target), pretty=False)
    return tokenizer


def _write_graph(weights: minilm_graph.Weights, folder: Path) -> None:
    model = minilm_graph.build_graph(weights, doc=ORIGIN)
    onnx.checker.check_model(model)
    # Beside the graph and not in it: the runtime maps the file instead of copying it, which halves what it holds after loading.
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=4096)
    (folder / "model.onnx.data").chmod(0o644)


def _verify(weights: minilm_graph.Weights, tokenizer: Tokenizer, model: Path) -> float:
    """The least cosine between graph and reference, over single texts and the padded batch."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    least = 1.0
    batch = tokenizer.encode_batch(list(SENTENCES))
    ids = np.array([text.ids for text in batch], dtype=np.int64)
    mask = np.array([text.attention_mask for text in batch], dtype=np.int64)
    together = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
    for row, length in enumerate(mask.sum(axis=1)):
        expected = minilm_reference.embed(weights, ids[row, :length])
        alone = session.run(["embedding"], {"input_ids": ids[row : row + 1, :length], "attention_mask": mask[row : row + 1, :length]})[0][0]
        least = min(least, float(expected @ together[row]), float(expected @ alone))
    if least < LEAST_COSINE:
        message = f"the graph does not agree with the reference (cosine {least:.7f}, at least {LEAST_COSINE} wanted)."
        raise ModelBuildError(message)
    return least


if __name__ == "__main__":
    sys.exit(main())
