"""Durable facts about signed customers. Anonymous visitors have none: what they want kept ends with their session's context."""

from deskhand.memory.fact import Fact
from deskhand.memory.service import MemoryService

__all__ = ["Fact", "MemoryService"]
