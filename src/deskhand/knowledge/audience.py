"""Who may be answered from which document, and when: one rule, in the forms in which it is asked.

`visible_to` and `visible_to_asker` are the rule inside SQL, `visible_mask` the same rule over the rows of the index in memory. A passage
reaches an asker only through both, so an index that lags behind a change of tier shows nothing that the database would not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from deskhand.ids import SessionId, UserId
from deskhand.knowledge.documents import DocumentState, Tier
from deskhand.knowledge.tables import documents
from deskhand.persistence import db_now, listed

TIERS: tuple[Tier, ...] = (Tier.PUBLIC, Tier.CUSTOMERS, Tier.OPERATORS)
NO_SESSION = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """What an asker may see: documents of these tiers, and what is attached to this session (to no session, when `None`)."""

    tiers: frozenset[Tier]
    session_id: SessionId | None = None

    @classmethod
    def public(cls, session_id: SessionId | None = None) -> Self:
        return cls(frozenset({Tier.PUBLIC}), session_id)

    @classmethod
    def customer(cls, session_id: SessionId | None = None) -> Self:
        return cls(frozenset({Tier.PUBLIC, Tier.CUSTOMERS}), session_id)

    @classmethod
    def of_session(cls, session_id: SessionId, user_id: UserId | None) -> Self:
        """What is answered from in a session; `user_id` is its customer's, `None` while nobody knows who they are."""
        return cls.public(session_id) if user_id is None else cls.customer(session_id)

    @classmethod
    def operator(cls, session_id: SessionId | None = None) -> Self:
        return cls(frozenset(Tier), session_id)


def visible_to(audience: Audience) -> sa.ColumnElement[bool]:
    """A document is seen if it is in force, its tier is granted, and it belongs to no session or to the asker's own."""
    own: sa.ColumnElement[bool] = documents.c.session_id.is_(None)
    if audience.session_id is not None:
        own = sa.or_(own, documents.c.session_id == audience.session_id)
    return sa.and_(documents.c.tier.in_(sorted(audience.tiers)), own, in_force())


def visible_to_asker() -> sa.ColumnElement[bool]:
    """The rule of `visible_to` in a statement that is compiled once: who asks is told by its parameters, which `asking` gives."""
    # With no session, its parameter is NULL, which no session's id is equal to.
    own = sa.or_(documents.c.session_id.is_(None), documents.c.session_id == sa.bindparam("asking_session", type_=sa.String(32)))
    return sa.and_(listed(documents.c.tier, "asking_tiers"), own, in_force())


def asking(audience: Audience) -> Mapping[str, Any]:
    """The parameters of `visible_to_asker`."""
    return {"asking_tiers": sorted(audience.tiers), "asking_session": audience.session_id}


def in_force() -> sa.ColumnElement[bool]:
    """A document counts while it is not disabled and the database's clock is in its effective dates."""
    since, until = documents.c.effective_from, documents.c.effective_until
    return sa.and_(documents.c.disabled.is_(False), sa.or_(since.is_(None), since <= db_now()), sa.or_(until.is_(None), until > db_now()))


def state_now() -> sa.ColumnElement[str]:
    """The `DocumentState` of each document by the database's clock."""
    return sa.case(
        (documents.c.disabled.is_(True), DocumentState.DISABLED.value),
        (documents.c.effective_from > db_now(), DocumentState.SCHEDULED.value),
        (documents.c.effective_until <= db_now(), DocumentState.EXPIRED.value),
        else_=DocumentState.ACTIVE.value,
    )


def visible_mask(
    audience: Audience,
    *,
    tiers: NDArray[np.uint8],
    sessions: NDArray[np.int32],
    own_session: int | None,
    effective: tuple[NDArray[np.float64], NDArray[np.float64]],
    now: float,
) -> NDArray[np.bool_]:
    """The rule of `visible_to` over index rows, of which none is of a disabled document.

    `tiers` holds places in `TIERS`, `sessions` the index's numbers of sessions (`NO_SESSION` for none), `own_session` the number of the
    asker's session, `None` if the index holds nothing of it. `effective` are the first moments in force and those after the last,
    in epoch seconds as `now` is; without a limit, they are infinite.
    """
    granted = np.array([tier in audience.tiers for tier in TIERS])
    seen: NDArray[np.bool_] = granted[tiers]
    own = sessions == NO_SESSION
    if own_session is not None:
        own |= sessions == own_session
    seen &= own
    since, until = effective
    seen &= since <= now
    seen &= until > now
    return seen
