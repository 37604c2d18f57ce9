"""`deskhand serve` with two more tools, whose effects are written to a file, and with one bug if a test sows it: `python server.py serve`.

CHAOS_EFFECTS names the file; a line is an effect: tool, order, key. What is written outlives the process that wrote it, so a line stands
for what happened out there. CHAOS_BUG names a bug of `bugs`.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from deskhand import cli
from deskhand.agent import tools
from deskhand.agent.registry import Tool, ToolDeps


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order: str


def effect_tool(name: str, *, idempotent: bool) -> Tool[Order]:
    async def call(deps: ToolDeps, arguments: Order) -> dict[str, Any]:
        line = f"{name} {arguments.order} {deps.idempotency_key}\n".encode()
        effects = os.open(os.environ["CHAOS_EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(effects, line)
        finally:
            os.close(effects)
        return {"done": arguments.order}

    return Tool(name=name, description=f"{name} for an order.", arguments=Order, call=call, idempotent=idempotent)


def prepare() -> None:
    """The agent takes the list when it is imported, which no line above does."""
    tools.ALL_TOOLS = (*tools.ALL_TOOLS, effect_tool("pay_back", idempotent=False), effect_tool("book", idempotent=True))


def run() -> None:
    cli.main()


if __name__ == "__main__":
    prepare()
    if bug := os.environ.get("CHAOS_BUG"):
        from chaos import bugs

        bugs.sow(bug)
    run()
