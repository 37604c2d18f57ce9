"""Bounds of figures as a command is given them, NAME=VALUE, so that a check of somebody's CI fails beyond them."""

import math
from collections.abc import Sequence

import typer


def read_bounds(given: Sequence[str] | None, option: str, *, example: str) -> dict[str, float]:
    """Each bound by the name of its figure; of one that is given twice, the last.

    Raises:
        typer.BadParameter: not NAME=VALUE, or no number that a figure can be beyond.
    """
    found: dict[str, float] = {}
    for each in given or ():
        name, _, value = each.partition("=")
        try:
            bound = float(value)
        except ValueError:
            bound = math.nan
        if math.isnan(bound):
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE, such as {example}.", param_hint=option)
        found[name.strip()] = bound
    return found
