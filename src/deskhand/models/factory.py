"""Which model a name stands for. Choosing one does not connect, and imports nothing that the others need."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from deskhand.errors import ConfigurationError
from deskhand.models.port import ChatModel
from deskhand.models.quoting import QuotingModel

if TYPE_CHECKING:
    from deskhand.models.openai_chat import Limits

_OPENAI_URL: Final = "https://api.openai.com/v1"
_OPENAI: Final = "openai:"


def create_model(name: str, *, base_url: str | None, api_key: SecretStr | None, limits: "Limits | None" = None) -> ChatModel:
    """The model called `quoting` or `openai:<name>`. `base_url` is OpenAI's own when None; `limits` are those of `Limits` when None.

    Raises:
        ConfigurationError: an unknown name, an address that is none, or a key that is missing.
    """
    if name == "quoting":
        return QuotingModel()
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
    from deskhand.models.openai_chat import OpenAIChatModel  # noqa: PLC0415 - brings an HTTP client, which quoting has no use for

    return OpenAIChatModel(model, base_url=_checked(base_url) if base_url is not None else _OPENAI_URL, api_key=api_key, limits=limits)


def _checked(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
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
