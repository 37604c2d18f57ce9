"""This process as the operating system sees it."""

import ctypes
import sys


def give_back_memory() -> None:
    """Hand freed memory back to the system. Only glibc keeps it and can be told to; elsewhere this does nothing."""
    if sys.platform != "linux":
        return
    try:
        trim = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        # Another C library, such as musl.
        return
    trim(0)
