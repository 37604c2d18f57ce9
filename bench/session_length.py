"""Whether a turn costs the same late in a long session as early: turns 10 to 19 against turns 196 to 205 of the same conversations.

The early turns are measured again in new conversations after the late ones, so that a machine that grew slower or faster meanwhile is seen.
"""

from bench.conversations import Result, customers
from bench.load import deskhand
from bench.report import keep, show, verdict
from bench.servers import Server, model_server

CONVERSATIONS = 16
EARLY = (9, 19)
LATE = (195, 205)
# What two measurements of the same differ by on a machine that does other things as well.
NOISE = 0.15


def run() -> bool:
    with model_server() as model, deskhand(model) as server:
        with customers(server, conversations=CONVERSATIONS) as warming:
            warming.talk(EARLY[0])
        with customers(server, conversations=CONVERSATIONS) as talking:
            talking.talk(EARLY[0])
            early = talking.talk(EARLY[1])
            talking.talk(LATE[0])
            late = talking.talk(LATE[1])
        early_again = _early(server)
    cpu = (early.cpu_ms + early_again.cpu_ms) / 2
    latency = (early.latency(0.5) + early_again.latency(0.5)) / 2
    ratios = (late.cpu_ms / cpu, late.latency(0.5) / latency)
    held = max(ratios) <= 1 + NOISE
    rows = [_row("turns 10-19", early), _row("turns 196-205", late), _row("turns 10-19, new sessions", early_again)]
    show(f"session_length: {CONVERSATIONS} conversations", ("turns", "CPU ms/turn", "p50 ms", "p99 ms"), rows)
    print(f"  late to early: CPU {ratios[0]:.2f}, median latency {ratios[1]:.2f}; equal within {NOISE:.0%}: {verdict(held)}")
    keep(
        "session_length",
        {
            "early": early.figures(),
            "late": late.figures(),
            "early_again": early_again.figures(),
            "cpu_ratio": round(ratios[0], 3),
            "latency_ratio": round(ratios[1], 3),
            "held": held,
        },
    )
    return held


def _early(server: Server) -> Result:
    with customers(server, conversations=CONVERSATIONS) as talking:
        talking.talk(EARLY[0])
        return talking.talk(EARLY[1])


def _row(name: str, result: Result) -> tuple[str, float, float, float]:
    return name, result.cpu_ms, result.latency(0.5), result.latency(0.99)
