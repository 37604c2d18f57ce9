"""How much longer than alone a program takes on this machine: what a bound of a few tenths of a second is multiplied by.

Other tests run beside, and a virtual machine gets no more of its processors than is left for it.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = """
import time
while True:
    began, used = time.monotonic(), time.process_time()
    while time.process_time() - used < 0.005:
        pass
    print((time.monotonic() - began) / (time.process_time() - used), flush=True)
    time.sleep(0.05)
"""


@contextmanager
def measured_slowness() -> Iterator[Callable[[], float]]:
    """Gives what says how many times longer than its own CPU time a small program has taken since, in the mean; 1 on a free machine."""
    with tempfile.NamedTemporaryFile() as ratios:
        program = subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=ratios)
        try:
            yield lambda: statistics.fmean([1.0, *map(float, Path(ratios.name).read_text().split())])
        finally:
            program.kill()
            program.wait()
