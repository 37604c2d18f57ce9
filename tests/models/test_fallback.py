"""The next model is asked only while nothing of an answer was seen."""

import pytest

from deskhand.models.factory import create_configured_model
from deskhand.models.fallback import FallbackModel
from deskhand.models.port import EndReason, ModelEnded, ModelRefused, ModelUnavailable
from deskhand.settings import Settings
from deskhand.testing.scripted_model import Gate, ScriptedModel
from models.asking import HandClock, ask, request


async def test_a_model_that_is_down_is_replaced_by_the_next() -> None:
    first, second = ScriptedModel([ModelUnavailable("down")]), ScriptedModel(["From the second."])
    heard = await ask(FallbackModel([first, second]))
    assert (heard.text, heard.end, heard.error) == ("From the second.", ModelEnded(EndReason.STOP), None)


async def test_a_model_that_breaks_off_in_its_answer_is_not_replaced() -> None:
    first, second = ScriptedModel(["Partly ", ModelUnavailable("cut")]), ScriptedModel(["From the second."])
    heard = await ask(FallbackModel([first, second]))
    assert heard.text == "Partly "
    assert heard.error is not None
    assert second.requests == []


async def test_the_last_model_s_fault_is_the_answer_s_when_none_is_there() -> None:
    heard = await ask(FallbackModel([ScriptedModel([ModelUnavailable("first")]), ScriptedModel([ModelUnavailable("second")])]))
    assert heard.error is not None
    assert heard.error.message == "second"


async def test_a_model_that_waits_too_long_before_its_first_word_is_replaced() -> None:
    first, second = ScriptedModel([Gate(), "Too late."]), ScriptedModel(["From the second."])
    heard = await ask(FallbackModel([first, second], begin_seconds=0.05))
    assert (heard.text, first.abandoned) == ("From the second.", 1)


async def test_half_of_the_turn_s_time_is_left_for_the_next_model() -> None:
    first, second = ScriptedModel([Gate(), "Too late."]), ScriptedModel(["From the second."])
    heard = await ask(FallbackModel([first, second]), request(seconds_left=0.2))
    assert heard.text == "From the second."
    assert 0 < (second.requests[0].seconds_left or 0) <= 0.1


async def test_a_model_that_is_down_is_passed_over_at_the_next_step_and_asked_again_later() -> None:
    clock = HandClock()
    first = ScriptedModel([ModelUnavailable("down")], ["Up again."])
    chain = FallbackModel([first, ScriptedModel(["One."], ["Two."])], clock=clock)
    assert [(await ask(chain)).text for _ in range(2)] == ["One.", "Two."]
    clock.seconds += 6
    assert (await ask(chain)).text == "Up again."


async def test_a_model_that_declines_one_conversation_is_asked_for_the_next() -> None:
    first = ScriptedModel([ModelRefused("no")], ["Gladly."])
    chain = FallbackModel([first, ScriptedModel(["Instead."])])
    assert [(await ask(chain)).text for _ in range(2)] == ["Instead.", "Gladly."]


async def test_a_check_passes_while_one_model_is_there() -> None:
    down, up = ScriptedModel(), ScriptedModel()
    down.fault = ModelUnavailable("down")
    await FallbackModel([down, up]).check()
    up.fault = ModelUnavailable("also down")
    with pytest.raises(ModelUnavailable, match="down"):
        await FallbackModel([down, up]).check()


async def test_the_settings_name_the_chain() -> None:
    model = create_configured_model(Settings(model="openai:large", model_base_url="http://localhost:9/v1", model_fallbacks=["quoting"]))
    assert isinstance(model, FallbackModel)
    assert model.name == "openai:large"
    await model.close()
