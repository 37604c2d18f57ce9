"""What the first customer would wait for on the event loop, done ahead: expressions compiled, weights read.

The invariant: nothing depends on it but time.
"""

from deskhand.guard.gate import our_phrases
from deskhand.guard.injection_model import threshold
from deskhand.guard.lazy import compile_all


def warm_up() -> None:
    """Some 80 ms of CPU, for another thread than the event loop's."""
    compile_all()
    _ = threshold(), our_phrases()
