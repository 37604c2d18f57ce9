"""All sessions that this process serves. A channel lives while somebody reads or writes it; with a relay, other processes are told.

The invariant: nothing here is needed to answer: whatever is missing is read from the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from deskhand.realtime.channel import Channel, Classify, Subscription
from deskhand.realtime.relay import Relay

E = TypeVar("E")


class Subscribing(Generic[E]):
    """A place at a channel for as long as a `with` lasts. Readers are many: as a generator it would take half a KiB more."""

    __slots__ = ("_hub", "_session_id", "_subscription")

    def __init__(self, hub: "Hub[E]", session_id: str) -> None:
        self._hub = hub
        self._session_id = session_id

    def __enter__(self) -> Subscription[E]:
        self._subscription = self._hub.enter(self._session_id)
        return self._subscription

    def __exit__(self, *_: object) -> None:
        self._hub.leave(self._session_id, self._subscription)


class Hub(Generic[E]):
    """All channels of this process."""

    def __init__(self, classify: Classify[E], *, relay: Relay[E] | None = None) -> None:
        """`relay`: to the other processes; None if there are none that could be told."""
        self._classify = classify
        self._relay = relay
        self._channels: dict[str, Channel[E]] = {}

    def find_channel(self, session_id: str) -> Channel[E] | None:
        return self._channels.get(session_id)

    def subscribe(self, session_id: str) -> "Subscribing[E]":
        """To be used in a `with`, which gives the reader's place."""
        return Subscribing(self, session_id)

    def enter(self, session_id: str) -> Subscription[E]:
        """Take a place at the session's channel, until `leave`."""
        subscription = Subscription(self._open(session_id))
        subscription.channel.subscriptions.add(subscription)
        if self._relay is not None:
            self._relay.watch(session_id)
        return subscription

    def leave(self, session_id: str, subscription: Subscription[E]) -> None:
        channel = subscription.channel
        channel.subscriptions.discard(subscription)
        if self._relay is not None and not channel.subscriptions:
            self._relay.unwatch(session_id)
        self._drop_if_unused(session_id, channel)

    @contextmanager
    def write(self, session_id: str) -> Iterator[Channel[E]]:
        """Hold the channel open while turns of the session run here."""
        channel = self._open(session_id)
        channel.writers += 1
        try:
            yield channel
        finally:
            channel.writers -= 1
            self._drop_if_unused(session_id, channel)

    def is_followed(self, session_id: str) -> bool:
        """Whether anybody can be told of what passes in the session."""
        return self._relay is not None or session_id in self._channels

    def publish(self, session_id: str, seq: int, event: E) -> None:
        """Tell everybody of an event that this process stored."""
        if self._relay is not None:
            self._relay.tell_stored(session_id, seq, event)
        if (channel := self._channels.get(session_id)) is not None:
            channel.publish(seq, event)

    def list_watched(self) -> list[str]:
        """The ids of the sessions that have readers here."""
        return [session_id for session_id, channel in self._channels.items() if channel.subscriptions]

    def close_session(self, session_id: str) -> None:
        """Tell the readers here that a session is gone."""
        if (channel := self._channels.get(session_id)) is not None:
            channel.close()

    def delete_session(self, session_id: str) -> None:
        """Tell all readers of a session that this process deleted it."""
        self.close_session(session_id)
        if self._relay is not None:
            self._relay.tell_gone(session_id)

    def wake_all(self) -> None:
        for channel in self._channels.values():
            channel.wake()

    def _open(self, session_id: str) -> Channel[E]:
        channel = self._channels.get(session_id)
        if channel is None:
            channel = self._channels[session_id] = Channel(self._classify)
            if self._relay is not None:
                self._relay.open(session_id, channel)
        return channel

    def _drop_if_unused(self, session_id: str, channel: Channel[E]) -> None:
        if not channel.subscriptions and channel.writers == 0 and self._channels.get(session_id) is channel:
            del self._channels[session_id]
            if self._relay is not None:
                self._relay.forget(session_id)
