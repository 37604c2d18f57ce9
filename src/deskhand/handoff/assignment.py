"""Who is given the next conversation. Pure.

The invariant: nobody gets one who is not there, has as many as they can take, or lacks the skill that it needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deskhand.ids import StaffId


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody at the desk. `open` counts the conversations they have; `given_at` is when their newest began, 0 if they never had one."""

    id: StaffId
    name: str
    is_online: bool
    open: int
    capacity: int
    skills: tuple[str, ...]
    given_at: float = 0.0


def choose(colleagues: Sequence[Colleague], *, skill: str | None, before: StaffId | None = None) -> Colleague | None:
    """Whoever had the conversation `before`, else whoever has been without a new one for longest, of those who can take one; None when
    nobody can."""
    able = [
        colleague
        for colleague in colleagues
        if colleague.is_online and colleague.open < colleague.capacity and (skill is None or skill in colleague.skills)
    ]
    return min(able, key=lambda colleague: (colleague.id != before, colleague.given_at, colleague.open, colleague.id), default=None)
