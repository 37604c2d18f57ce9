"""The history of a document as the routes show it: who changed what and when, and what became of the text."""

import difflib
from collections.abc import Sequence
from typing import Any

from deskhand.api.schemas import Schema, show_moment
from deskhand.clock import to_iso
from deskhand.knowledge import Action, Revision

_LONGEST_DIFF_LINES = 2_000


class RevisionView(Schema):
    """One change. `changes`: each field with what it was and what it became. `diff`: what became of the text, as `diff -u` writes it, where
    the text was changed and what it was is still kept."""

    revision: int
    action: Action
    changed_by: str
    changed_at: str
    changes: dict[str, tuple[Any, Any]]
    earlier_text: str | None
    diff: list[str] | None


def history_of(revisions: Sequence[Revision], text: str) -> list[RevisionView]:
    """`revisions` are the newest first, `text` is what the document says now."""
    views: list[RevisionView] = []
    after = text
    for revision in revisions:
        diff = None
        if revision.earlier_text is not None:
            lines = difflib.unified_diff(revision.earlier_text.splitlines(), after.splitlines(), "before", "after", lineterm="")
            diff = [line for _, line in zip(range(_LONGEST_DIFF_LINES), lines, strict=False)]
            after = revision.earlier_text
        views.append(
            RevisionView(
                revision=revision.revision,
                action=revision.action,
                changed_by=revision.changed_by,
                changed_at=to_iso(revision.changed_at),
                changes={name: _shown(name, values) for name, values in revision.changes.items()},
                earlier_text=revision.earlier_text,
                diff=diff,
            )
        )
    return views


def _shown(name: str, values: tuple[Any, Any]) -> tuple[Any, Any]:
    if not name.startswith("effective_"):
        return values
    before, after = (show_moment(value) for value in values)
    return before, after
