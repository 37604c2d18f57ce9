"""A name stands for one model, and what cannot be one is said with what to do."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from deskhand.errors import ConfigurationError
from deskhand.models.factory import create_model
from deskhand.models.openai_chat import OpenAIChatModel
from deskhand.models.quoting import QuotingModel
from deskhand.settings import load_settings


def test_quoting_needs_nothing() -> None:
    assert isinstance(create_model("quoting", base_url=None, api_key=None), QuotingModel)


def test_an_openai_model_at_an_address_of_ones_own_needs_no_key() -> None:
    model = create_model("openai:qwen3:8b", base_url="http://localhost:11434/v1", api_key=None)
    assert isinstance(model, OpenAIChatModel)
    assert model.name == "openai:qwen3:8b"


@pytest.mark.parametrize("name", ["", "gpt-4.1", "openai:", "Quoting", "openai"])
def test_an_unknown_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_model(name, base_url=None, api_key=SecretStr("sk-test-0123456789"))
    assert "DESKHAND_MODEL" in caught.value.message
    assert "quoting" in caught.value.remedy
    assert "openai:<name>" in caught.value.remedy


@pytest.mark.parametrize("setting", ["model", "model_fallbacks"])
def test_the_setting_that_names_no_model_is_named(setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**{setting: "quoting,gpt-4.1" if setting == "model_fallbacks" else "gpt-4.1"})
    assert f"DESKHAND_{setting.upper()}: 'gpt-4.1'" in caught.value.message
    assert "openai:<model name>" in caught.value.message


def test_openai_itself_is_not_asked_without_a_key() -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_model("openai:gpt-4.1-mini", base_url=None, api_key=None)
    assert "DESKHAND_MODEL_API_KEY" in caught.value.message


@pytest.mark.parametrize(
    "base_url", ["localhost:8000", "ftp://host/v1", "http://", "http://host:99999/v1", "http://host/v1?key=1", "nonsense"]
)
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_model("openai:test", base_url=base_url, api_key=None)
    assert "DESKHAND_MODEL_BASE_URL" in caught.value.message


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_model("openai:test", base_url="http://me:hunter2-canary@host/v1", api_key=None)
    assert "hunter2-canary" not in f"{caught.value.message} {caught.value.remedy}"


def test_quoting_brings_no_http_client() -> None:
    script = (
        "import sys; from deskhand.models.factory import create_model; create_model('quoting', base_url=None, api_key=None); "
        "print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
