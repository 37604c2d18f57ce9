"""What the process keeps of the system's memory."""

import subprocess
import sys

import pytest

_PROGRAM = """
import os, threading
from pathlib import Path
from deskhand.telemetry import bound_kept_memory, give_back_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20

def work():
    for _ in range(5):
        del (large := [bytearray(24 * 2**20)])[:]
        del (many := [bytearray(2**20) for _ in range(16)])[:]

bound_kept_memory()
before = resident()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
give_back_memory()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only the C library of Linux keeps so much")
def test_what_threads_needed_for_a_moment_goes_back_to_the_system() -> None:
    """Unbounded, 190 MiB stay."""
    shown = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True, timeout=60).stdout
    assert int(shown) < 64
