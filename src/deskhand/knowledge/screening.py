"""Places in documents that read like orders to the agent. They are indexed all the same, and told to whoever puts the documents in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from deskhand.knowledge.document_repository import NewDocument

log = structlog.get_logger(__name__)

Screen = Callable[[str], tuple[str, ...]]
"""The kinds of orders to the agent that a text seems to hold; none for most. Injected: what the guard knows is not this package's."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A place in a document that reads like orders to the agent. `page` counts from 1; `kinds` are names that the guard gives."""

    source: str
    title: str
    section: str | None
    page: int | None
    kinds: tuple[str, ...]


def find_suspicions(screen: Screen | None, documents: Iterable[NewDocument]) -> list[Suspicion]:
    """One for each chunk that `screen` minds, in order; each is logged by its source. Without a screen, none."""
    if screen is None:
        return []
    found = [
        Suspicion(document.source, document.title, chunk.section, chunk.page, kinds)
        for document in documents
        for chunk in document.chunks
        if (kinds := screen(chunk.text))
    ]
    for suspicion in found:
        log.info("orders_in_document", source=suspicion.source, kinds=list(suspicion.kinds))
    return found
