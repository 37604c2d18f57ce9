"""Calls of a model are counted by how they ended."""

from contextlib import aclosing

from deskhand.models.counted import CountedModel
from deskhand.models.fallback import FallbackModel
from deskhand.models.port import ModelUnavailable
from deskhand.telemetry import Metrics
from deskhand.testing.scripted_model import ScriptedModel
from models.asking import ask, request


def calls(metrics: Metrics) -> dict[tuple[str, str], float]:
    samples = [sample for metric in metrics.model_calls.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return {(sample.labels["model"], sample.labels["outcome"]): sample.value for sample in samples}


async def test_a_call_is_counted_for_the_model_that_was_asked() -> None:
    metrics = Metrics()
    first = CountedModel(ScriptedModel([ModelUnavailable("down")], name="first"), metrics)
    second = CountedModel(ScriptedModel(["Good morning."], name="second"), metrics)
    assert (await ask(FallbackModel([first, second]))).text == "Good morning."
    assert calls(metrics) == {("first", "model_unavailable"): 1, ("second", "ended"): 1}


async def test_a_call_nobody_waited_for_is_counted_as_left() -> None:
    metrics = Metrics()
    async with aclosing(CountedModel(ScriptedModel(["One. ", "Two."]), metrics).stream(request())) as events:
        await anext(events)
    assert calls(metrics) == {("scripted", "left"): 1}
