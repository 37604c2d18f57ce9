"""A small linear model over words that tells texts which give orders to an assistant from those that only sound alike.

The weights lie beside it (`injection_weights.json`), made by `tools/train_injection.py`, which says from what and how well. The invariant:
features are computed here alone, for training and for use, and depend on nothing but the text.
"""

import json
import math
import re
import unicodedata
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Final

from deskhand.guard.injection_patterns import CONCEPTS

_WEIGHTS: Final = Path(__file__).with_name("injection_weights.json")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_ADDRESS: Final = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+")
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|```|[?!:<>\[\]{}()=|#]")
_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PREFIX: Final = 5
# A few words weigh little, whatever they are.
_FEW: Final = 30


def features(text: str) -> set[str]:
    """Words, pairs, beginnings of long words, the first and the last word as such, and concepts with their pairs.

    A script without spaces is taken by characters.
    """
    tokens = _tokens(text)
    found = set(tokens)
    found.update(f"{one} {two}" for one, two in pairwise(tokens))
    found.update(f"{token[:_PREFIX]}-" for token in tokens if len(token) > _PREFIX)
    if tokens:
        found.add(f"^{tokens[0]}")
        found.add(f"{tokens[-1]}$")
    concepts = CONCEPTS.found_in(text.lower())
    found.update(f"#{name}" for name in concepts)
    found.update(f"#{one}+{two}" for one, two in combinations(concepts, 2))
    return found


def score(text: str) -> float:
    """How likely the text gives orders to an assistant: in (0, 1), calibrated on nothing; compare it with `threshold`."""
    weights, bias, _ = _model()
    found = features(text)
    if not found:
        return 0.0
    total = bias + sum(weights.get(feature, 0.0) for feature in found) / math.sqrt(len(found) + _FEW)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def threshold() -> float:
    """From where a score counts as a find, as chosen in cross-validation."""
    return _model()[2]


def _tokens(text: str) -> list[str]:
    plain = _ADDRESS.sub(" 0url ", text)
    if plain.isascii():
        return ["0" if token.isdigit() else token for token in _TOKEN.findall(plain.lower())]
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain.replace("\u2019", "'").lower()))
    found: list[str] = []
    for token in _TOKEN.findall(folded):
        if token.isdigit():
            found.append("0")
        elif _UNSPACED.match(token):
            found += token
        else:
            found.append(token)
    return found


@lru_cache(maxsize=1)
def _model() -> tuple[dict[str, float], float, float]:
    stored = json.loads(_WEIGHTS.read_text(encoding="utf-8"))
    return stored["weights"], stored["bias"], stored["threshold"]
