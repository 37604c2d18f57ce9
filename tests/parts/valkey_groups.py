"""Several Valkeys that belong together: a cluster of three, and a master with a replica and a Sentinel that watches them."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from parts.child import ServerProcess
from parts.ports import find_free_port
from parts.valkey import ValkeyServer, find_program, start_valkey

_SLOTS = 16_384
_NODES = 3
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class ValkeyCluster:
    nodes: list[ValkeyServer]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)


@dataclass(frozen=True)
class WatchedValkey:
    """`sentinel_port` names the master under the service name `desk`."""

    master: ValkeyServer
    replica: ValkeyServer
    sentinel_port: int

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel_port}/desk"


def _wait_until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > limit:
            raise RuntimeError("the servers did not find each other")
        time.sleep(0.02)


@pytest.fixture
def valkey_cluster() -> Iterator[ValkeyCluster]:
    """Three nodes, each with a third of the slots, and no replicas."""
    with contextlib.ExitStack() as opened:
        nodes: list[ValkeyServer] = []
        buses = [find_free_port() for _ in range(_NODES)]
        for number, bus in enumerate(buses):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "2000")
            node = opened.enter_context(contextlib.closing(start_valkey(*options)))
            first, last = _SLOTS * number // _NODES, _SLOTS * (number + 1) // _NODES - 1
            node.run("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            nodes.append(node)
        for node, bus in zip(nodes, buses, strict=True):
            nodes[0].run("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(bus))
        for node in nodes:
            _wait_until(lambda node=node: b"cluster_state:ok" in node.run("CLUSTER", "INFO"))
        yield ValkeyCluster(nodes)


@pytest.fixture
def watched_valkey(tmp_path: Path) -> Iterator[WatchedValkey]:
    """A master and a replica; the Sentinel takes a master for down after half a second."""
    with contextlib.ExitStack() as opened:
        master = opened.enter_context(contextlib.closing(start_valkey()))
        replica = opened.enter_context(contextlib.closing(start_valkey("--replicaof", "127.0.0.1", str(master.port))))
        _wait_until(lambda: b"master_link_status:up" in replica.run("INFO", "replication"))
        port = find_free_port()
        folder = Path(tempfile.mkdtemp(prefix="deskhand-sentinel-"))
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor desk 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds desk 500\nsentinel failover-timeout desk 3000\n"
        )
        process = ServerProcess((str(find_program()), str(config), "--sentinel"), folder=folder)
        opened.callback(process.close)
        watched = WatchedValkey(master, replica, port)
        _wait_until(lambda: _sentinel_knows_replica(watched))
        yield watched


def _sentinel_knows_replica(watched: WatchedValkey) -> bool:
    try:
        return str(watched.replica.port).encode() in ValkeyServer.ask(watched.sentinel_port, "SENTINEL", "REPLICAS", "desk")
    except OSError:
        return False
