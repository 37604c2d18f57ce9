"""What presence offers. Two implementations pass one contract (`tests/realtime`): in this process, and shared over Redis."""

from typing import Protocol


class Presence(Protocol):
    """None of these calls fails: without Redis, each process knows of those who are present with it."""

    async def appear(self, group: str, name: str, *, ttl_seconds: float) -> None:
        """`name` is there for so long, counted from now. Said again at shorter intervals, for as long as it is true."""
        ...

    async def list_present(self, group: str) -> list[str]:
        """The names, in alphabetical order."""
        ...
