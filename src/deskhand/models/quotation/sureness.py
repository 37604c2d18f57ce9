"""How sure it is that a quotation answers: as far as the search is, and as far as the line has the words of the question. Pure.

What was found may be near to a question and lack just what is asked of the thing ("What colour is the box?"). The invariant: of two lines
that the search holds for as likely, the one with more of the question is never the less sure.
"""

import math

# Logistic regression of "the quotation is right", by `python -m evals.quoting_fit`, which prints how it does on the sets that it was not
# learnt from.
BY_CHANCE = 0.88
BY_LINE = 2.44
BIAS = -1.41
_LEAST_CHANCE = 0.005


def sureness(chance: float, *, line: float) -> float:
    """In (0, 1). `chance` is the search's that what it found answers; `line` the share of the question's words that the line has."""
    return 1 / (1 + math.exp(-(BIAS + BY_CHANCE * log_odds(chance) + BY_LINE * line)))


def log_odds(chance: float) -> float:
    """Of a chance in [0, 1], drawn a little inwards, so that certainty is finite."""
    inside = min(max(chance, _LEAST_CHANCE), 1 - _LEAST_CHANCE)
    return math.log(inside / (1 - inside))
