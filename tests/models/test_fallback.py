"""The next model is asked only while nothing of an answer was seen."""

import pytest

from deskhand.models.factory import create_configured_model
from deskhand.models.fallback import FallbackModel
from deskhand.models.port import EndReason, ModelEnded, ModelUnavailable
from deskhand.settings import Settings
from deskhand.testing.scripted_model import ScriptedModel
from models.asking import ask


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
