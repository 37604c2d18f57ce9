"""Free TCP ports for servers that tests start."""

import functools
import itertools
import os
import random
import socket
from collections.abc import Callable, Iterator

import pytest

# Below the ports that the kernel gives to outgoing connections, so that no client of another test takes one between
# our looking and the server's binding.
LOWEST = 15_000
HIGHEST = 32_000
SHARE = 1_000


@functools.cache
def _share_of_this_worker() -> Iterator[int]:
    """The ports of this worker's share, each once before the first comes again.

    A port is given before its server listens on it, and two servers of one test would otherwise be given the same.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    shares = (HIGHEST - LOWEST) // SHARE
    start = LOWEST + (os.getppid() * 4 + worker) % shares * SHARE
    return itertools.cycle(random.sample(range(start, start + SHARE), SHARE))


def find_free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on now, and that was not given lately."""
    for port in itertools.islice(_share_of_this_worker(), SHARE):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = "no free port in this worker's share"
    raise RuntimeError(message)


@pytest.fixture
def free_port() -> int:
    return find_free_port()


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """For tests that start several servers: another port each time it is called."""
    return find_free_port
