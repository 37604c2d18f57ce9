"""What the processes of a desk tell each other as it happens. An accelerator: whatever is lost here is made good from the database."""

from deskhand.realtime.bus.port import Bus

__all__ = ["Bus"]
