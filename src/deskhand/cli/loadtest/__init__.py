"""`deskhand loadtest`: what a running Deskhand bears, and whether it keeps its promises under it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from deskhand.cli.bounds import read_bounds
from deskhand.cli.loadtest.figures import Record, names
from deskhand.cli.loadtest.plan import QUESTIONS, Plan, Transport
from deskhand.cli.loadtest.running import run
from deskhand.cli.loadtest.showing import progress, show
from deskhand.cli.running import find_server_at
from deskhand.cli.terminal import output, plain, print_json, remarks
from deskhand.errors import PartDown

_PLAIN_LINE_EVERY_SECONDS = 10.0


class NoServer(PartDown):
    """There is no Deskhand at this address."""

    code = "no_server"
    support = "Check the address, or start one with 'deskhand serve'."


def command(  # noqa: PLR0913 - each is an option
    *,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the server, or the proxy before it, answers.")],
    rate: Annotated[float | None, typer.Option(min=0.001, help="Conversations that begin in a second, whatever the server does.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Without --rate: conversations that are held all the time.")] = 10,
    seconds: Annotated[float, typer.Option(min=1, help="How long new conversations begin.")] = 30,
    turns: Annotated[int, typer.Option(min=1, help="What each customer says.")] = 3,
    think: Annotated[float, typer.Option(min=0, help="Seconds, on average, before a customer says the next thing.")] = 2,
    transport: Annotated[list[Transport] | None, typer.Option(help="Over what; may be repeated. Default: all in turn.")] = None,
    idle: Annotated[int, typer.Option(min=0, help="WebSockets that are open all the time and silent.")] = 0,
    limit: Annotated[float, typer.Option(min=1, help="Seconds a customer waits for an answer.")] = 150,
    questions: Annotated[Path | None, typer.Option(metavar="FILE", help="What is asked, one question a line.", dir_okay=False)] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the staff key, for sessions beyond the rate limit.", dir_okay=False)
    ] = None,
    prefix: Annotated[str, typer.Option(help="Where the API's paths begin there.")] = "/api",
    fail_over: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="End with 1 when a figure is higher.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, for scripts.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sessions there; otherwise each is deleted once it was checked.")] = False,
    seed: Annotated[int, typer.Option(help="The same choices again.")] = 1,
) -> None:
    """Let customers talk to a running server, measure it, and check that nothing is lost, doubled or out of order.

    With --rate, customers come at random moments however slow the server is, as they do in life. Every one sends again what was not
    acknowledged and goes on reading behind the last event, so a server may be restarted meanwhile. It does ask the model: mind the costs.

    \b
    Examples:
      deskhand loadtest http://127.0.0.1:8080
      deskhand loadtest https://desk.example.com --rate 5 --seconds 300 --key-file key --fail-over end_p95_ms=8000
      deskhand loadtest http://127.0.0.1:8080 --idle 5000 --transport websocket --json

    Exit codes: 0 measured; 1 something was lost, doubled or out of order, an answer is missing, or a figure is beyond its bound; 2 wrong
    usage.
    """
    bounds = _bounds(fail_over)
    plan = Plan(
        url=url.rstrip("/"),
        prefix=prefix,
        transports=tuple(transport or Transport),
        rate=rate,
        at_once=at_once,
        seconds=seconds,
        turns=turns,
        think_seconds=think,
        limit_seconds=limit,
        idle=idle,
        questions=_lines(questions, "--questions") if questions is not None else QUESTIONS,
        key=_lines(key_file, "--key-file")[0] if key_file is not None else None,
        keep=keep,
        seed=seed,
    )
    record = asyncio.run(_test(plan))
    if as_json:
        print_json(record.as_json())
    else:
        show(record, output())
    broken = _broken(record, bounds)
    for sentence in broken:
        remarks().print(f"✗ {sentence}", style="red")
    if broken:
        raise typer.Exit(1)


async def _test(plan: Plan) -> Record:
    if await find_server_at(plan.url) is None:
        raise NoServer(f"There is no Deskhand at {plain(plan.url)}.")
    notes = remarks()
    if not notes.is_terminal:
        return await run(plan, tell=_now_and_then(lambda record: notes.print(progress(record))))
    with notes.status("Beginning") as status:
        return await run(plan, tell=lambda record: status.update(progress(record)))


def _now_and_then(tell: Callable[[Record], None]) -> Callable[[Record], None]:
    last = 0.0

    def perhaps(record: Record) -> None:
        nonlocal last
        if record.seconds - last >= _PLAIN_LINE_EVERY_SECONDS:
            last = record.seconds
            tell(record)

    return perhaps


def _lines(path: Path, option: str) -> tuple[str, ...]:
    try:
        lines = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}.", param_hint=option) from error
    if not lines:
        raise typer.BadParameter(f"{path} is empty.", param_hint=option)
    return lines


def _bounds(given: Sequence[str] | None) -> dict[str, float]:
    found = read_bounds(given, "--fail-over", example="end_p95_ms=8000")
    if unknown := sorted(set(found) - set(names())):
        raise typer.BadParameter(f"No figure is called {unknown[0]!r}. There are: {', '.join(names())}.", param_hint="--fail-over")
    return found


def _broken(record: Record, bounds: dict[str, float]) -> list[str]:
    """What must not be, in a sentence each."""
    figures = record.figures()
    broken = [f"{name} was not measured." for name in bounds if name not in figures]
    broken += [
        f"{name} is {figures[name]:g}; its bound is {bound:g}." for name, bound in bounds.items() if figures.get(name, bound) > bound
    ]
    if record.faults:
        broken.append(f"{len(record.faults)} times something was lost, doubled or out of order.")
    if figures["unanswered"]:
        broken.append(f"{figures['unanswered']:g} messages got no whole answer.")
    return broken
