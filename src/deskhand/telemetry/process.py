"""This process as the operating system sees it."""

import ctypes
import gc
import sys
from collections.abc import Callable

# Objects made before the youngest are looked through. Python's 700 is passed several times in a turn, when most of them are still in use.
_YOUNG_OBJECTS = 10_000
_MOST_HEAPS = 2
_KEPT_BYTES = 4 * 1024 * 1024
# Of glibc's malloc.h: M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD.
_MALLOPT_MOST_HEAPS = -8
_MALLOPT_OWN_MAPPING = -3
_MALLOPT_KEPT_AT_THE_END = -1


def spare_what_stays() -> None:
    """Tell the garbage collector that what exists now stays for good. To be called once, when a server has started.

    A full collection of what a server consists of takes 130 ms, in which nobody is answered.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def bound_kept_memory() -> None:
    """Keep the C library from holding on to what embedding needed for a moment. To be called before the first thread starts.

    By itself, glibc gives each thread a heap of its own, and learns from the first large block that is freed to keep as much for the
    next: 40 to 70 MiB after embedding on four threads, which `give_back_memory` cannot reach. Bounds of 128 KiB slow embedding by half.
    """
    if (tune := _find_in_glibc("mallopt")) is None:
        return
    _ = tune(_MALLOPT_MOST_HEAPS, _MOST_HEAPS), tune(_MALLOPT_OWN_MAPPING, _KEPT_BYTES), tune(_MALLOPT_KEPT_AT_THE_END, _KEPT_BYTES)


def give_back_memory() -> None:
    """Hand freed memory back to the system. Only glibc keeps it and can be told to; elsewhere this does nothing."""
    if (trim := _find_in_glibc("malloc_trim")) is not None:
        trim(0)


def _find_in_glibc(name: str) -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    try:
        found: Callable[..., int] = getattr(ctypes.CDLL("libc.so.6"), name)
    except (OSError, AttributeError):
        # Another C library, such as musl.
        return None
    return found
