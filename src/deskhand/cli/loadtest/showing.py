"""How a load test is shown while it runs and when it is over."""

from rich.console import Console
from rich.table import Table

from deskhand.cli.loadtest.figures import Record
from deskhand.cli.terminal import plain

_SHOWN = 20
_NAMES = {"open": "session opened", "ack": "acknowledged", "first": "first text", "end": "answered"}
# Above this, this program and not the server made customers come too late.
MOST_LATE_MS = 100.0
# What a server says to an address from which too much comes, over HTTP and the WebSocket.
_LIMITED = ("429", "websocket closed with 1013")


def progress(record: Record) -> str:
    """One line."""
    return (
        f"{record.seconds:6.1f} s  {record.running} conversations now, {record.finished} over, {record.answered} answers,"
        f" {record.errors.total()} errors" + (f", {record.idle} idle connections" if record.idle else "")
    )


def show(record: Record, console: Console) -> None:
    figures = record.figures()
    console.print(
        f"{record.begun} conversations, {record.said} messages, {record.answered} answers in {record.seconds:.1f} s:"
        f" {figures['turns_per_second']:g} answers a second."
        + (f" {record.idle} idle connections." if record.idle else "")
        + (f" {record.handed_over} handed over to a person." if record.handed_over else "")
        + (f" {record.reconnects} reconnects." if record.reconnects else "")
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("milliseconds until")
    for share in ("p50", "p95", "p99", "max"):
        table.add_column(share, justify="right")
    transports = sorted({turn.transport for turn in record.turns})
    for name, title in {**_NAMES, **{f"{transport}_end": f"  by {transport}" for transport in transports}}.items():
        if f"{name}_p50_ms" in figures:
            table.add_row(title, *(f"{figures[f'{name}_{share}_ms']:,.0f}" for share in ("p50", "p95", "p99", "max")))
    console.print(table)
    for kind, count in record.errors.most_common(_SHOWN):
        console.print(f"{count} × {plain(kind)}", style="yellow")
    if any(kind.startswith(_LIMITED) for kind in record.errors):
        console.print(
            "The server limited this address: all these customers came from one. Give --key-file, and raise DESKHAND_RATE_LIMIT_REQUESTS"
            " on the servers for the test.",
            style="yellow",
        )
    if figures.get("late_p99_ms", 0.0) > MOST_LATE_MS:
        console.print(
            f"This program was busy: customers came {figures['late_p99_ms']:,.0f} ms late (p99). Run it on another machine, or on several.",
            style="yellow",
        )
    if record.faults:
        console.print(f"✗ {len(record.faults)} times something was lost, doubled or out of order:", style="red")
        for fault in record.faults[:_SHOWN]:
            console.print(f"  {plain(fault)}", style="red")
    else:
        console.print("✓ Nothing was lost, doubled or out of order.", style="green")
