"""Times as a person types them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import typer


@dataclass(frozen=True, slots=True)
class Moment:
    """`seconds` are since the epoch; `None` is no limit."""

    seconds: float | None


def parse_moment(text: str) -> Moment:
    """Read a day, a moment or "none". Without a zone it is UTC.

    Raises:
        typer.BadParameter: it is none of these.
    """
    if text == "none":
        return Moment(None)
    try:
        moment = datetime.fromisoformat(text)
        return Moment((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no time. Write 2026-12-24, 2026-12-24T18:00:00+01:00, or none.") from error
