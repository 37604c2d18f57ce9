"""The Prometheus metrics of one application, in a registry of its own: two applications in one process never mix their figures.

Labels are closed sets (route templates, outcomes), never ids or texts: a label that grows is a leak.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_TURN_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Every figure that is counted. Durations are in seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter("deskhand_requests", "Answered HTTP requests.", ["method", "route", "status"], registry=self.registry)
        self.request_seconds = Histogram(
            "deskhand_request_seconds",
            "Time to the end of the answer.",
            ["method", "route"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.rate_limited = Counter("deskhand_rate_limited", "Requests refused by the rate limit.", registry=self.registry)
        self.open_streams = Gauge("deskhand_open_streams", "Connected readers of events.", ["transport"], registry=self.registry)
        self.stream_closed = Counter(
            "deskhand_streams_closed", "Streams that the server closed.", ["transport", "reason"], registry=self.registry
        )
        self.turns = Counter("deskhand_turns", "Turns that ended.", ["outcome"], registry=self.registry)
        self.turn_seconds = Histogram(
            "deskhand_turn_seconds", "From the claim of a turn to its end.", buckets=_TURN_BUCKETS, registry=self.registry
        )
        self.model_calls = Counter("deskhand_model_calls", "Calls of a model.", ["model", "outcome"], registry=self.registry)
        self.tool_calls = Counter("deskhand_tool_calls", "Calls of a tool.", ["tool", "outcome"], registry=self.registry)
        self.gate_sentences = Counter(
            "deskhand_gate_sentences", "Sentences that the evidence gate examined or dropped.", ["verdict"], registry=self.registry
        )
        self.untrusted = Counter(
            "deskhand_untrusted",
            "Texts that read like orders to the agent, calls of tools that no customer asked for, addresses shown as text.",
            ["what"],
            registry=self.registry,
        )
        self.jobs = Counter("deskhand_jobs", "Attempts at jobs that ended.", ["outcome"], registry=self.registry)
        self.task_faults = Counter("deskhand_task_faults", "Background tasks that failed.", ["task"], registry=self.registry)
        self.faults = Counter("deskhand_faults", "Requests that ended in a fault of ours.", registry=self.registry)

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Show a gauge whose value is read when the metrics are asked for."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def render(self) -> bytes:
        """All figures in the Prometheus text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)
