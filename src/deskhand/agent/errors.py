"""How a run may end without an answer, and what a tool tells the model instead of a result.

A limit, and an action of unknown end, end the turn as failed with their code; what was said so far is kept as incomplete, and a person is
offered.
"""

from deskhand.errors import DeskhandError


class LimitReached(DeskhandError):
    """The turn used up what a turn may use."""

    code = "limit_reached"
    status = 503
    support = "Please ask again in other words, or ask to talk to a person."


class ToolLoop(LimitReached):
    """The model went on calling tools instead of answering."""

    code = "tool_loop"


class TokenLimit(LimitReached):
    """The turn used up its tokens."""

    code = "token_limit"


class TurnTimeout(LimitReached):
    """The turn used up its time."""

    code = "turn_timeout"


class AnswerTruncated(LimitReached):
    """The answer became longer than an answer may be, and was cut off."""

    code = "answer_truncated"


class OutcomeUnknown(DeskhandError):
    """An action was begun and its end is not known. It may have been carried out, so it is not tried again; a person has to look."""

    code = "needs_human"
    status = 503
    support = "A person has been told and will look into it."


class ToolRefused(Exception):
    """The customer's own words do not call for what a tool would do. The message is for the model, which has to ask them."""


class ToolFailed(Exception):
    """A tool could not do what was asked. The message is for the model, which may try otherwise or has to cope."""
