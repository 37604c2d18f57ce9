"""The turn engine: from what a customer says to one answer, one hand-off or one stated failure. It alone writes the transcript."""

from deskhand.turns.model import Accepted, TurnRules
from deskhand.turns.service import TurnService

__all__ = ["Accepted", "TurnRules", "TurnService"]
