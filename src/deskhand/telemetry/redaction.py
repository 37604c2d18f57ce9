"""What is taken out of everything that is logged: passwords in URLs, bearer tokens, keys, and the values of all secret settings.

The invariant: a secret is removed by what it is (its value, its form, the name of its field), wherever in a log entry it turns up.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from deskhand.sealing import split_keys
from deskhand.settings import Settings

MASK = "***"
# Shorter values would also blank out innocent words; a secret that short is refused in production.
_SHORTEST_KNOWN_VALUE = 6
_DEEPEST = 6

_SECRET_NAME = re.compile(r"(?i)(^|_)(password|passwd|secret|token|authorization|api_?key|cookie|credentials?)$")
_FORMS = re.compile(
    r"(?P<userinfo>(?<=://)[^/\s:@]*:[^/\s@]+(?=@))"
    r"|(?P<header>(?i:authorization\W{1,4}basic +)\S+)"
    r"|(?P<bearer>(?i:(?<=bearer ))[A-Za-z0-9._~+/=-]{8,})"
    r"|(?P<visitor>(?:token\.)?\bvt_[A-Za-z0-9_-]{16,})"
    r"|(?P<provider>\b(?:sk|pk|rk|ghp|xox[abp])[-_][A-Za-z0-9_-]{16,})"
)


class Redactor:
    """Takes secrets out of values. `learn` may be called any number of times; what was learnt stays."""

    __slots__ = ("_known", "_values")

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._known: re.Pattern[str] | None = None

    def learn(self, values: Iterable[str]) -> None:
        """Remember values that must never be shown."""
        self._values.update(value for value in values if len(value) >= _SHORTEST_KNOWN_VALUE)
        if self._values:
            # The longest first: a URL is masked whole before the password inside it.
            self._known = re.compile("|".join(re.escape(value) for value in sorted(self._values, key=len, reverse=True)))

    def learn_settings(self, settings: Settings) -> None:
        """Remember every `SecretStr` of the settings, and the passwords inside those that are URLs."""
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if not isinstance(value, SecretStr):
                continue
            secret = value.get_secret_value()
            parts = urlsplit(secret) if "://" in secret else None
            if parts is None:
                # A message about one of several keys would show that one alone.
                self.learn([secret, *(split_keys(secret) if name.endswith("_keys") else ())])
            elif parts.password:
                self.learn([parts.password, unquote(parts.password)])

    def text(self, text: str) -> str:
        """`text` without what looks like, or is known to be, a secret."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if "://" in text or "_" in text or "-" in text or " " in text:
            text = _FORMS.sub(MASK, text)
        return text

    def value(self, value: Any, *, depth: int = 0) -> Any:
        """`value` with every text in it redacted; what is neither text, number nor container is shown by its `repr`."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, SecretStr):
            return MASK
        if depth >= _DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {str(key): self._field(str(key), item, depth=depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth=depth + 1) for item in value]
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        return self.text(repr(value))

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """As a structlog processor. Keys that start with '_' belong to structlog itself."""
        for key, value in event.items():
            if key.startswith("_") or type(value) in (int, float, bool):
                continue
            event[key] = self._field(key, value, depth=0)
        return event

    def _field(self, name: str, value: Any, *, depth: int) -> Any:
        return MASK if value and _SECRET_NAME.search(name) else self.value(value, depth=depth)


redactor = Redactor()
