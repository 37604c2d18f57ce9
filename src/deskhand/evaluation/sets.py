"""The kinds of judged sets, as values, and the readers that make them of files.

The invariant: a set that was read is whole. What is missing or misshapen raises `SetUnreadable`, which says where and what was expected.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from deskhand.errors import DeskhandError
from deskhand.knowledge import SourceDocument, documents_in

ANSWERABLE = frozenset({"ANSWERABLE", "PARTIAL"})
UNANSWERABLE = "UNANSWERABLE"


class SetUnreadable(DeskhandError):
    """A judged set cannot be read."""

    code = "set_unreadable"
    status = 422
    support = "docs/evaluating.md says which files and columns a set has."


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


@dataclass(frozen=True, slots=True)
class LabelledText:
    text: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class IntentSet:
    """Sentences with their intent, to learn from and to be asked. A label that is never learnt stands for what is out of scope."""

    name: str
    train: tuple[LabelledText, ...]
    test: tuple[LabelledText, ...]


@dataclass(frozen=True, slots=True)
class UtteranceSet:
    """Sentences with any number of labels each."""

    name: str
    utterances: tuple[LabelledText, ...]


@dataclass(frozen=True, slots=True)
class PromptSet:
    """Texts that attack, or that only look as if they did; each with its family."""

    name: str
    kind: Literal["attacks", "benign"]
    prompts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ConversationSet:
    """Recorded conversations, in the messages that chat models speak. `policy` is what the agent had to go by, where it is known."""

    name: str
    conversations: tuple[tuple[Mapping[str, Any], ...], ...]
    policy: str = ""


AnySet = JudgedSet | IntentSet | UtteranceSet | PromptSet | ConversationSet

SETS = ("rag_mtragun_cloud", "kb_tau_banking", "xquad_de", "xquad_zh")


def load(name: str, folder: Path) -> JudgedSet:
    """One of `SETS`, from the folder they lie in.

    Raises:
        FileNotFoundError: the set is not in `folder`.
    """
    match name:
        case "rag_mtragun_cloud":
            return read_questions(folder / name, [folder / name / "queries.jsonl"])
        case "kb_tau_banking":
            return read_questions(folder / name, [folder / name / "tasks_dev.jsonl"])
        case _:
            return read_squad(folder / "multilingual_xquad" / f"{name.replace('_', '.')}.json")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines. Raises SetUnreadable."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise SetUnreadable(f"{path}, line {number}, is no JSON: {error.msg}.") from error
            if not isinstance(row, dict):
                raise SetUnreadable(f"{path}, line {number}, is no JSON object.")
            yield row


def read_questions(folder: Path, asked: Iterable[Path]) -> JudgedSet:
    """The documents of `corpus.jsonl`, and the questions of the files `asked`. Raises SetUnreadable."""
    documents = _documents(folder.name, (folder / "corpus.jsonl").read_bytes())
    questions = tuple(_question(row, path, number) for path in asked for number, row in enumerate(read_lines(path), 1))
    unknown = sorted({key for question in questions for key in question.relevant} - documents.keys())
    if unknown:
        raise SetUnreadable(f"{folder}: questions name {len(unknown)} documents that corpus.jsonl lacks, such as {unknown[0]!r}.")
    return JudgedSet(folder.name, documents, questions)


def _question(row: Mapping[str, Any], path: Path, number: int) -> Question:
    text = row.get("text", row.get("question", row.get("query")))
    relevant = row.get("relevant", [])
    if not isinstance(text, str) or not isinstance(relevant, list):
        raise SetUnreadable(f"{path}, question {number}: it needs 'text' (a string) and 'relevant' (a list of document ids).")
    earlier = row.get("earlier") or [said for speaker, said in row.get("history", ()) if speaker in ("user", "customer")]
    return Question(
        text=text,
        earlier=tuple(earlier),
        relevant=frozenset(map(str, relevant)),
        answerability=row.get("answerability", "ANSWERABLE" if relevant else UNANSWERABLE),
    )


def read_squad(path: Path) -> JudgedSet:
    """A file in the layout of SQuAD: each paragraph a document, each question answered by its own. Raises SetUnreadable."""
    rows: list[dict[str, str]] = []
    questions: list[Question] = []
    try:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                key = f"paragraph-{len(rows)}"
                rows.append({"_id": key, "text": paragraph["context"]})
                questions += [_squad_question(question, key) for question in paragraph["qas"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise SetUnreadable(f"{path} is not in the layout of SQuAD: {error}.") from error
    name = path.stem.replace(".", "_")
    return JudgedSet(name, _documents(name, "\n".join(json.dumps(row) for row in rows).encode()), tuple(questions))


def _squad_question(row: Mapping[str, Any], key: str) -> Question:
    if row.get("is_impossible"):
        return Question(row["question"], (), frozenset(), UNANSWERABLE)
    return Question(row["question"], (), frozenset({key}))


def read_labelled(path: Path) -> tuple[LabelledText, ...]:
    """Rows of a CSV or JSON lines file with `text` and `category`, `label`, `intent` or a list `intents`. Raises SetUnreadable."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows: list[dict[str, Any]] = list(csv.DictReader(lines))
    else:
        rows = list(read_lines(path))
    return tuple(_labelled(row, path, number) for number, row in enumerate(rows, 1))


def _labelled(row: Mapping[str, Any], path: Path, number: int) -> LabelledText:
    labels = row.get("category", row.get("label", row.get("intent", row.get("intents") or [])))
    if not isinstance(row.get("text"), str) or not isinstance(labels, str | list):
        raise SetUnreadable(f"{path}, row {number}: it needs 'text' and one of 'category', 'label', 'intent' or 'intents'.")
    return LabelledText(row["text"], frozenset([labels] if isinstance(labels, str) else labels))


def _documents(name: str, lines: bytes) -> dict[str, SourceDocument]:
    """By key, through the same door as any JSON lines file; `source` is the key."""
    found: dict[str, SourceDocument] = {}
    for document in documents_in("corpus.jsonl", lines, origin=f"evals:{name}", source=name):
        if not isinstance(document, SourceDocument):
            raise SetUnreadable(f"{name}: {document.reason}")
        key = document.source.removeprefix(f"{name}#")
        found[key] = replace(document, source=key)
    return found
