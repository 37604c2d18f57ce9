"""The places where a test may kill this process: by name, at the n-th time that one is passed.

The invariant: nothing is armed unless `deskhand serve` was told to, which the settings allow in the environment `testing` alone; where
nothing is armed, passing a place costs one look at an empty dictionary.
"""

import os
import signal
from enum import StrEnum


class Failpoint(StrEnum):
    """Before and after each commit and each call to the outside that a turn makes. "After" is before anybody is told."""

    ACCEPT_BEFORE_COMMIT = "accept.before_commit"
    ACCEPT_AFTER_COMMIT = "accept.after_commit"
    CLAIM_BEFORE_COMMIT = "claim.before_commit"
    CLAIM_AFTER_COMMIT = "claim.after_commit"
    MODEL_BEFORE_CALL = "model.before_call"
    MODEL_AFTER_CALL = "model.after_call"
    CHECKPOINT_BEFORE_COMMIT = "checkpoint.before_commit"
    CHECKPOINT_AFTER_COMMIT = "checkpoint.after_commit"
    TOOL_INTENT_BEFORE_COMMIT = "tool_intent.before_commit"
    TOOL_INTENT_AFTER_COMMIT = "tool_intent.after_commit"
    TOOL_RESULT_BEFORE_COMMIT = "tool_result.before_commit"
    TOOL_RESULT_AFTER_COMMIT = "tool_result.after_commit"
    FINISH_BEFORE_COMMIT = "finish.before_commit"
    FINISH_AFTER_COMMIT = "finish.after_commit"


_armed: dict[Failpoint, int] = {}


def parse(written: str) -> dict[Failpoint, int]:
    """Read `name:n, name:n`: which place kills, and at which pass (from 1; without a number the first).

    Raises:
        ValueError: a name that is no place's, or a number that is none.
    """
    places: dict[Failpoint, int] = {}
    for item in filter(None, (part.strip() for part in written.split(","))):
        name, _, count = item.partition(":")
        if name not in set(Failpoint):
            raise ValueError(f"{name!r} is no failpoint; there are {', '.join(Failpoint)}")
        if count and (not count.isdecimal() or int(count) < 1):
            raise ValueError(f"{item!r}: after the name stands at which pass to end, from 1")
        places[Failpoint(name)] = int(count or 1)
    return places


def arm(places: dict[Failpoint, int]) -> None:
    """From here on, end the process where `places` says."""
    _armed.update(places)


def reach(place: Failpoint) -> None:
    """Pass a place: the process ends here, as it does when it is killed, if a test wants it to."""
    if not _armed or place not in _armed:
        return
    _armed[place] -= 1
    if _armed[place] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
