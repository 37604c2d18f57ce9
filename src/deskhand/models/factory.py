"""Which model a name stands for. Choosing one does not connect, and imports nothing that the others need."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from deskhand.errors import ConfigurationError
from deskhand.models.counted import CountedModel
from deskhand.models.fallback import FallbackModel
from deskhand.models.port import ChatModel
from deskhand.models.quoting import Compare, QuotingModel
from deskhand.settings import Settings
from deskhand.telemetry import Metrics

_OPENAI_URL: Final = "https://api.openai.com/v1"
_OPENAI: Final = "openai:"


def create_configured_model(settings: Settings, *, compare: Compare | None = None, metrics: Metrics | None = None) -> ChatModel:
    """The model of the settings, with those behind it that are asked when it cannot answer; `metrics` counts the calls of each.

    Raises as `create_model` does.
    """

    def create(name: str) -> ChatModel:
        model = create_model(
            name,
            base_url=settings.model_base_url,
            api_key=settings.model_api_key,
            idle_seconds=settings.model_idle_seconds,
            budget_seconds=settings.turn_timeout_seconds,
            breaker_failures=settings.model_breaker_failures,
            compare=compare,
        )
        return model if metrics is None else CountedModel(model, metrics)

    first = create(settings.model)
    if not settings.model_fallbacks:
        return first
    return FallbackModel([first, *(create(name) for name in settings.model_fallbacks)], begin_seconds=settings.model_idle_seconds)


def create_model(
    name: str,
    *,
    base_url: str | None,
    api_key: SecretStr | None,
    idle_seconds: float = 20.0,
    budget_seconds: float = 120.0,
    breaker_failures: int = 5,
    compare: Compare | None = None,
) -> ChatModel:
    """The model called `quoting` or `openai:<name>`.

    `base_url` is OpenAI's own when None; `compare` is what `QuotingModel` says, the rest what `Limits` says.

    Raises:
        ConfigurationError: an unknown name, an address that is none, or a key that is missing.
    """
    if name == "quoting":
        return QuotingModel(compare=compare)
    model = name.removeprefix(_OPENAI)
    if model == name or not model:
        raise ConfigurationError(
            f"DESKHAND_MODEL is {name!r}, which is not a model.",
            support="Set it to 'quoting', which needs no model, or to 'openai:<name>', for example 'openai:gpt-4.1-mini', for any "
            "OpenAI-compatible server at DESKHAND_MODEL_BASE_URL.",
        )
    if base_url is None and (api_key is None or not api_key.get_secret_value()):
        raise ConfigurationError(
            "DESKHAND_MODEL_API_KEY is not set, and OpenAI's own server needs it.",
            support="Set it, or set DESKHAND_MODEL_BASE_URL to a server of yours.",
        )
    from deskhand.models.openai_chat import Limits, OpenAIChatModel  # noqa: PLC0415 - brings an HTTP client, which quoting has no use for

    address = _checked(base_url) if base_url is not None else _OPENAI_URL
    limits = Limits(idle_seconds=idle_seconds, budget_seconds=budget_seconds, breaker_failures=breaker_failures)
    return OpenAIChatModel(model, base_url=address, api_key=api_key, limits=limits)


def _checked(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        # A host whose name cannot be looked up, such as "a..b", is found out by its encoding.
        is_address = parts.scheme in {"http", "https"} and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        is_address = False
        parts = urlsplit("")
    if not is_address or parts.query or parts.fragment:
        raise ConfigurationError(
            "DESKHAND_MODEL_BASE_URL is not the address of a server.",
            support="Set it to something like 'http://localhost:8000/v1': http or https, a host, and the path up to '/chat/completions'.",
        )
    if parts.username is not None:
        raise ConfigurationError(
            "DESKHAND_MODEL_BASE_URL holds a name or password.", support="Take it out, and set DESKHAND_MODEL_API_KEY instead."
        )
    return base_url
