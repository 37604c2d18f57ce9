"""What a piece of work is handed while its transaction is open."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


class Transaction:
    """An open write transaction. Lives only as long as the work it was handed to."""

    __slots__ = ("_callbacks", "connection")

    def __init__(self, *, connection: sa.Connection, callbacks: list[Callable[[], None]]) -> None:
        self.connection = connection
        self._callbacks = callbacks

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, parameters)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop once the commit is durable; never if it is rolled back. It must not block or raise."""
        self._callbacks.append(callback)


# What is done along with an act, at the end of its transaction; what it raises takes the act back.
Alongside = Callable[[Transaction], None]


def nothing_else(_transaction: Transaction) -> None:
    """What is done along with an act of which nobody else need know."""
