"""This process as the operating system sees it."""

import ctypes
import gc
import sys

# Objects made before the youngest are looked through. Python's 700 is passed several times in a turn, when most of them are still in use.
_YOUNG_OBJECTS = 10_000


def spare_what_stays() -> None:
    """Tell the garbage collector that what exists now stays for good. To be called once, when a server has started.

    A full collection of what a server consists of takes 130 ms, in which nobody is answered.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


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
