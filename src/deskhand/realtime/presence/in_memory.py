"""Who is present with this process."""

from deskhand.clock import Clock


class InMemoryPresence:
    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, dict[str, float]] = {}

    async def appear(self, group: str, name: str, *, ttl_seconds: float) -> None:
        self._groups.setdefault(group, {})[name] = self._clock.monotonic() + ttl_seconds

    async def list_present(self, group: str) -> list[str]:
        now = self._clock.monotonic()
        present = {name: until for name, until in self._groups.get(group, {}).items() if until > now}
        if present:
            self._groups[group] = present
        else:
            self._groups.pop(group, None)
        return sorted(present)
