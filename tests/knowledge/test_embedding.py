"""The bundled model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from deskhand.knowledge import Embedder, KnowledgeUnavailable
from deskhand.knowledge.embedding import BUNDLED


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    """One that remembers nothing."""
    return Embedder(threads=2)


def test_vectors_have_unit_length_and_keep_their_order(embedder: Embedder) -> None:
    texts = ["Refunds", "How do I reset my password? " * 20, "", "Where is my order?", "a"] * 4
    together = embedder.embed(texts)
    assert together.shape == (20, 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-4)


def test_what_means_the_same_is_near(embedder: Embedder) -> None:
    reset, forgot, parcel = embedder.embed(["How do I reset my password?", "I forgot my login credentials", "Where is my parcel?"])
    assert reset @ forgot > 0.5 > reset @ parcel


def test_the_model_knows_how_foreign_a_language_is(embedder: Embedder) -> None:
    english = embedder.familiarity("How do I reset my password?")
    german = embedder.familiarity("Wie setze ich mein Passwort zurück?")
    chinese = embedder.familiarity("我如何重置密码？")
    assert english == 1.0
    assert 0.3 < german < 0.9
    assert chinese == embedder.familiarity("Как сбросить пароль?") // 1 == embedder.familiarity("?!") == 0.0


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeUnavailable, match=r"model\.onnx is missing") as caught:
        Embedder(folder=tmp_path).prepare()
    assert "make model" in caught.value.remedy


@pytest.mark.parametrize("broken", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_damaged_model_says_what_to_do(tmp_path: Path, broken: str, embedder: Embedder) -> None:
    folder = tmp_path / "minilm"
    shutil.copytree(BUNDLED, folder)
    (folder / broken).write_bytes((folder / broken).read_bytes()[:1000])
    with pytest.raises(KnowledgeUnavailable, match="damaged"):
        Embedder(folder=folder).prepare()


def test_the_bundled_model_is_the_one_that_was_built_for_it() -> None:
    facts = json.loads((BUNDLED / "model.json").read_text(encoding="utf-8"))
    assert (facts["dimensions"], facts["max_tokens"]) == (384, 256)
