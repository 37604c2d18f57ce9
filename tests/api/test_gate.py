"""The evidence gate as a customer meets it: over HTTP, with the settings as they are when nobody sets them."""

from pathlib import Path

from api.serving import serving, settings_in
from deskhand.settings import Settings
from deskhand.testing.scripted_model import ScriptedModel


async def test_a_figure_that_stands_nowhere_reaches_nobody(tmp_path: Path) -> None:
    assert Settings(_env_file=None).evidence_gate == "block"
    model = ScriptedModel(("Sure. Your refund is $39.99.",), ("How much did you pay for it?",))
    async with serving(settings_in(tmp_path, evidence_gate="block"), model=model) as served:
        visitor = await served.visitor()
        sent = await served.http.post(
            f"/api/chat/sessions/{visitor.session_id}/messages", json={"message": "What is my refund?"}, headers=visitor.headers
        )
        assert sent.status_code == 200, sent.text
        answer = sent.json()
        assert answer["message"] == "Sure. How much did you pay for it?"
        assert answer["metadata"]["evidence"]["regenerated"] == 1
        events = await served.http.get(f"/api/chat/sessions/{visitor.session_id}/messages", headers=visitor.headers)
        assert "39.99" not in sent.text + events.text
        metrics = (await served.http.get("/metrics")).text
        assert 'deskhand_gate_sentences_total{verdict="flagged"} 1.0' in metrics
    assert "39.99" not in served.logs.getvalue()
