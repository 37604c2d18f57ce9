"""The judged sets, read from their folders. Each is documents and questions, and says which documents answer which question."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deskhand.knowledge import SourceDocument, documents_in


@dataclass(frozen=True, slots=True)
class Question:
    """`earlier` are the customer's turns before it, oldest first. `relevant` is empty where nothing answers it."""

    text: str
    earlier: tuple[str, ...]
    relevant: frozenset[str]
    answerability: str = "ANSWERABLE"


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """`documents` by the key that `Question.relevant` names them by."""

    name: str
    documents: dict[str, SourceDocument]
    questions: tuple[Question, ...]


SETS = ("rag_mtragun_cloud", "kb_tau_banking", "xquad_de", "xquad_zh")


def load(name: str, folder: Path) -> JudgedSet:
    """Raises:
    FileNotFoundError: the set is not in `folder`.
    """
    match name:
        case "rag_mtragun_cloud":
            return _cloud(folder / name)
        case "kb_tau_banking":
            return _banking(folder / name)
        case _:
            return _xquad(name, folder / "multilingual_xquad" / f"{name.replace('_', '.')}.json")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _cloud(folder: Path) -> JudgedSet:
    questions = tuple(
        Question(
            text=row["text"],
            earlier=tuple(text for speaker, text in row["history"] if speaker == "user"),
            relevant=frozenset(row["relevant"]),
            answerability=row["answerability"],
        )
        for row in read_lines(folder / "queries.jsonl")
    )
    return JudgedSet("rag_mtragun_cloud", _corpus(folder), questions)


def _banking(folder: Path) -> JudgedSet:
    rows = read_lines(folder / "tasks_dev.jsonl")
    questions = tuple(Question(row["text"], (), frozenset(row["relevant"])) for row in rows)
    return JudgedSet("kb_tau_banking", _corpus(folder), questions)


def _xquad(name: str, path: Path) -> JudgedSet:
    rows: list[dict[str, str]] = []
    questions: list[Question] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            key = f"paragraph-{len(rows)}"
            rows.append({"_id": key, "text": paragraph["context"]})
            questions += [Question(question["question"], (), frozenset({key})) for question in paragraph["qas"]]
    return JudgedSet(name, _documents(name, "\n".join(json.dumps(row) for row in rows).encode()), tuple(questions))


def _corpus(folder: Path) -> dict[str, SourceDocument]:
    return _documents(folder.name, (folder / "corpus.jsonl").read_bytes())


def _documents(name: str, lines: bytes) -> dict[str, SourceDocument]:
    """By key, through the same door as any JSON lines file; `source` is the key."""
    found: dict[str, SourceDocument] = {}
    for document in documents_in("corpus.jsonl", lines, origin=f"evals:{name}", source=name):
        if not isinstance(document, SourceDocument):
            raise TypeError(f"{name}: {document.reason}")
        key = document.source.removeprefix(f"{name}#")
        found[key] = replace(document, source=key)
    return found
