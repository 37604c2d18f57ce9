"""What `/metrics` shows, and what is said of it."""

import re
from pathlib import Path

from api.serving import serving, settings_in
from deskhand.models.port import ToolCall
from deskhand.testing.scripted_model import ScriptedModel

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitoring.md"


async def test_tools_that_were_called_are_counted_and_every_metric_is_described(tmp_path: Path) -> None:
    search = ToolCall(id="1", name="search_knowledge", arguments='{"query": "passwords"}')
    model = ScriptedModel((search,), ("You can reset it on the sign-in page.",))
    async with serving(settings_in(tmp_path), model=model) as served:
        answer = await served.say(await served.visitor(), "How do I reset my password?")
        assert answer.status_code == 200, answer.text
        text = (await served.http.get("/metrics")).text
    assert 'deskhand_tool_calls_total{outcome="done",tool="search_knowledge"} 1.0' in text
    shown = set(re.findall(r"^# TYPE (deskhand_\w+)", text, re.MULTILINE))
    told_of = set(re.findall(r"`(deskhand_\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    assert told_of == {name for name in shown if not name.endswith("_created")}
