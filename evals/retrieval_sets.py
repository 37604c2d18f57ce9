"""Sets for the search alone, made of what the other sets hold, so that no choice rests on the judged ones.

The invariant: the same data makes the same set, whatever the machine.
"""

import csv
import json
import random
from collections import defaultdict
from pathlib import Path

from deskhand.knowledge import SourceDocument
from evals.sets import SETS, JudgedSet, Question, load, read_lines

OURS = ("bank_titles", "banking77_intents", "banking77_examples", "hint3_curekart", "hint3_powerplay11", "hint3_sofmattress")
ALL = (*SETS, *OURS)

_ASKED = 300
_SHOWN = 12
_EXAMPLES = 8


def load_any(name: str, folder: Path) -> JudgedSet:
    """One of `ALL`.

    Raises:
        FileNotFoundError: what it is made of is not in `folder`.
    """
    if name in SETS:
        return load(name, folder)
    if name == "bank_titles":
        return _titles(folder)
    if name.startswith("hint3_"):
        return _bot(name, folder / "intents_hint3")
    return _intents(name, folder / "intents_banking77")


def with_slips(question: Question, random_: random.Random) -> Question:
    """The question with one slip of the pen, two if it is long, in words of four letters or more: a letter too many, too few, wrong or too
    early."""
    words = question.text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for place in random_.sample(long, min(len(long), 1 + (len(words) > 6))):
        words[place] = _slip(words[place], random_)
    return Question(" ".join(words), question.earlier, question.relevant, question.answerability)


def _slip(word: str, random_: random.Random) -> str:
    at = random_.randrange(1, len(word) - 1)
    letter = random_.choice(sorted(set(word.lower())))
    return random_.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )


def _titles(folder: Path) -> JudgedSet:
    rows = list(read_lines(folder / "kb_tau_banking" / "corpus.jsonl"))
    questions = [Question(row["title"].removeprefix("Internal: "), (), frozenset({row["_id"]})) for row in rows]
    return _judged("bank_titles", {row["_id"]: row["text"] for row in rows}, questions)


def _bot(name: str, folder: Path) -> JudgedSet:
    """A customer's message finds the examples of its intent: others of the same file where the bot's test is not here."""
    rows = list(read_lines(folder / f"{name.removeprefix('hint3_')}_train.jsonl"))
    test = folder / f"{name.removeprefix('hint3_')}_test.jsonl"
    if test.is_file():
        asked = list(read_lines(test))
    else:
        random.Random(3).shuffle(rows)
        asked, rows = rows[: len(rows) // 3], rows[len(rows) // 3 :]
    return _examples(name, [(row["text"], row["label"]) for row in rows], [(row["text"], row["label"]) for row in asked])


def _intents(name: str, folder: Path) -> JudgedSet:
    by_intent: dict[str, list[str]] = defaultdict(list)
    for row in csv.DictReader((folder / "train.csv").open(encoding="utf-8")):
        by_intent[row["category"]].append(row["text"])
    asked = [(row["text"], row["category"]) for row in csv.DictReader((folder / "test.csv").open(encoding="utf-8"))]
    if name == "banking77_examples":
        return _examples(name, [(text, intent) for intent, texts in by_intent.items() for text in texts[:_EXAMPLES]], asked)
    documents = {intent: " ".join(texts[:_SHOWN]) for intent, texts in by_intent.items()}
    return _judged(name, documents, [Question(text, (), frozenset({intent})) for text, intent in asked])


def _examples(name: str, examples: list[tuple[str, str]], asked: list[tuple[str, str]]) -> JudgedSet:
    keys: dict[str, set[str]] = defaultdict(set)
    for place, (_, label) in enumerate(examples):
        keys[label].add(f"example-{place}")
    documents = {f"example-{place}": text for place, (text, _) in enumerate(examples)}
    return _judged(name, documents, [Question(text, (), frozenset(keys[label])) for text, label in asked if keys[label]])


def _judged(name: str, texts: dict[str, str], questions: list[Question]) -> JudgedSet:
    documents = {
        key: SourceDocument(origin=f"evals:{name}#{key}", source=key, filename="row.md", data=text.encode()) for key, text in texts.items()
    }
    chosen = questions if len(questions) <= _ASKED else random.Random(json.dumps(name)).sample(questions, _ASKED)
    return JudgedSet(name, documents, tuple(chosen))
