"""Which judged sets a folder holds, told by its files and their columns.

The invariant: nothing that lies there is passed over in silence. What is no set, or half of one, is named with what it lacks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskhand.evaluation.sets import (
    AnySet,
    ConversationSet,
    IntentSet,
    PromptSet,
    SetUnreadable,
    UtteranceSet,
    read_labelled,
    read_lines,
    read_questions,
    read_squad,
)

_DEEPEST = 2
_READ = {".jsonl", ".json", ".csv"}
_BENIGN_NAMES = ("benign", "notinject", "harmless")


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that was given and is not measured, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Layout:
    sets: tuple[AnySet, ...]
    lacks: tuple[Lack, ...]


def look_at(folder: Path) -> Layout:
    """All sets in `folder` and the folders in it. Raises SetUnreadable: it is no folder."""
    if not folder.is_dir():
        raise SetUnreadable(f"{folder} is no folder.")
    sets: list[AnySet] = []
    lacks: list[Lack] = []
    for found in _walk(folder, depth=0):
        (lacks if isinstance(found, Lack) else sets).append(found)  # type: ignore[arg-type]  # mypy joins the two lists
    return Layout(tuple(sets), tuple(lacks))


def _walk(folder: Path, *, depth: int) -> Iterator[AnySet | Lack]:
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    yield from _sets_in(folder, [path for path in entries if path.is_file() and path.suffix in _READ])
    if depth < _DEEPEST:
        for path in entries:
            if path.is_dir():
                yield from _walk(path, depth=depth + 1)


def _sets_in(folder: Path, files: Sequence[Path]) -> Iterator[AnySet | Lack]:
    left = {path.name: path for path in files}
    for take in (_take_corpus, _take_intents):
        try:
            yield from take(folder, left)
        except SetUnreadable as error:
            yield Lack(folder, error.message)
    for path in left.values():
        try:
            yield _single(path)
        except SetUnreadable as error:
            yield Lack(path, error.message)
        except UnicodeDecodeError:
            yield Lack(path, "it is not UTF-8.")


def _take_corpus(folder: Path, left: dict[str, Path]) -> Iterator[AnySet | Lack]:
    corpus = left.pop("corpus.jsonl", None)
    asked = [left.pop(name) for name in sorted(left) if name == "queries.jsonl" or (name.startswith("tasks") and name.endswith(".jsonl"))]
    if corpus is not None and asked:
        yield read_questions(folder, asked)
    elif corpus is not None:
        yield Lack(
            corpus, "documents without questions: queries.jsonl or tasks*.jsonl is missing, with 'text' and 'relevant' in each line."
        )
    elif asked:
        yield Lack(asked[0], "questions without documents: corpus.jsonl is missing, with '_id', 'title' and 'text' in each line.")


def _take_intents(folder: Path, left: dict[str, Path]) -> Iterator[AnySet | Lack]:
    """`train.csv` and `test.csv`, or any name before `train` and `test`, also as JSON lines."""
    pairs: dict[tuple[str, str], dict[str, Path]] = {}
    for name in sorted(left):
        stem, suffix = name.rsplit(".", 1)
        for part in ("train", "test"):
            if stem == part or stem.endswith(f"_{part}"):
                pairs.setdefault((stem.removesuffix(part).rstrip("_"), suffix), {})[part] = left.pop(name)
    for (prefix, suffix), parts in pairs.items():
        title = f"{folder.name}/{prefix}" if prefix else folder.name
        if len(parts) == 2:
            yield IntentSet(title, read_labelled(parts["train"]), read_labelled(parts["test"]))
        else:
            present, missing = ("train", "test") if "train" in parts else ("test", "train")
            wanted = f"{prefix}_{missing}" if prefix else missing
            yield Lack(parts[present], f"{wanted}.{suffix} is missing beside it.")


def _single(path: Path) -> AnySet | Lack:
    return _json(path) if path.suffix == ".json" else _rows(path)


def _json(path: Path) -> AnySet | Lack:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return Lack(path, f"it is no JSON: {error.msg}, line {error.lineno}.")
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return read_squad(path)
    if isinstance(value, dict) and value and all(_is_texts(texts) for texts in value.values()):
        return PromptSet(path.stem, _prompt_kind(path), tuple((family, text) for family, texts in value.items() for text in texts))
    if isinstance(value, list) and value and all(isinstance(row, dict) and isinstance(row.get("prompt"), str) for row in value):
        benign = all("word_list" in row for row in value)
        return PromptSet(
            path.stem,
            "benign" if benign else _prompt_kind(path),
            tuple((str(row.get("category", path.stem)), row["prompt"]) for row in value),
        )
    return Lack(path, "none of the layouts: SQuAD, a list of prompts, or lists of prompts by family.")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _rows(path: Path) -> AnySet | Lack:
    if path.suffix == ".csv":
        return Lack(path, "a table that is not called train.csv or test.csv.")
    rows = list(read_lines(path))
    if not rows:
        return Lack(path, "it is empty.")
    first = rows[0]
    if isinstance(first.get("messages"), list):
        return _conversations(path, rows)
    if "intents" in first or any("intents" in row for row in rows):
        return UtteranceSet(f"{path.parent.name}/{path.stem}", read_labelled(path))
    if "text" in first and ("source" in first or "family" in first):
        prompts = tuple((str(row.get("family", row.get("source"))), str(row["text"])) for row in rows if "text" in row)
        return PromptSet(path.stem, _prompt_kind(path), prompts)
    return Lack(path, f"no layout has the columns {', '.join(sorted(first))}.")


def _conversations(path: Path, rows: Sequence[Mapping[str, Any]]) -> ConversationSet:
    """A right answer is one of a conversation that ended well: `reward` is 1, where it is given."""
    domain = str(rows[0].get("domain", ""))
    policy = path.parent / f"{domain}_policy.md"
    return ConversationSet(
        f"{path.parent.name}/{path.stem}",
        tuple(tuple(row["messages"]) for row in rows if row.get("reward", 1) == 1),
        policy.read_text(encoding="utf-8") if domain and policy.is_file() else "",
    )


def _prompt_kind(path: Path) -> Any:
    return "benign" if any(name in path.stem.lower() for name in _BENIGN_NAMES) else "attacks"
