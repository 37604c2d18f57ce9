"""Every setting as a row of a table: its name, what it is for, what is allowed, its default and its present value.

The invariant: it is read from the settings themselves, so it cannot miss one, and the value of a secret never leaves this file.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deskhand.settings import PREFIX, Settings

UNSET = "unset"
_MASK = "••••••••"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """`present` is None where the settings could not be read; `changed` says that it is not the default."""

    name: str
    purpose: str
    allowed: str
    default: str
    present: str | None
    changed: bool


def setting_rows(settings: Settings | None) -> list[SettingRow]:
    """One row a setting, in the order in which they are declared."""
    return [_row(name, field, settings) for name, field in Settings.model_fields.items()]


def _row(name: str, field: FieldInfo, settings: Settings | None) -> SettingRow:
    default = None if field.default is PydanticUndefined else field.default
    value = getattr(settings, name) if settings is not None else default
    return SettingRow(
        name=f"{PREFIX}{name.upper()}",
        purpose=field.description or "",
        allowed=_allowed(name, field),
        default=_shown(default, separator=_separator(name)),
        present=None if settings is None else _shown(value, separator=_separator(name)),
        changed=settings is not None and value != default,
    )


def _allowed(name: str, field: FieldInfo) -> str:
    if name == "model":
        return "quoting, openai:<name>"
    kind = _kind(field)
    if kind is bool:
        return "true, false"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(member.value for member in kind)
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    if kind in (int, float):
        return _number(kind, field)
    if kind in (SecretStr, Path, str):
        return _written(name, kind, field)
    return f"list, separated by '{_separator(name)}'"


def _written(name: str, kind: type, field: FieldInfo) -> str:
    if kind is SecretStr:
        return "URL" if name.endswith("_url") else "text"
    if kind is Path:
        return "folder" if name.endswith("_dir") else "file"
    return _text(field)


def _kind(field: FieldInfo) -> Any:
    """The type itself, without `| None`. A list is told by what is left."""
    choices = [choice for choice in get_args(field.annotation) if choice is not NoneType]
    return choices[0] if NoneType in get_args(field.annotation) else field.annotation


def _number(kind: type, field: FieldInfo) -> str:
    noun = "whole number" if kind is int else "number"
    lowest = next((f"{item.ge}" for item in field.metadata if isinstance(item, Ge)), None)
    above = next((f"{item.gt}" for item in field.metadata if isinstance(item, Gt)), None)
    highest = next((f"{item.le}" for item in field.metadata if isinstance(item, Le)), None)
    below = next((f"{item.lt}" for item in field.metadata if isinstance(item, Lt)), None)
    limits = [
        *([f"from {lowest}"] if lowest is not None else []),
        *([f"above {above}"] if above is not None else []),
        *([f"to {highest}"] if highest is not None else []),
        *([f"below {below}"] if below is not None else []),
    ]
    return " ".join([noun, *limits])


def _text(field: FieldInfo) -> str:
    shortest = next((int(item.min_length) for item in field.metadata if isinstance(item, MinLen)), 0)
    longest = next((int(item.max_length) for item in field.metadata if isinstance(item, MaxLen)), None)
    words = "text" if shortest == 0 else "text, not empty"
    return words if longest is None else f"{words}, at most {longest} characters"


def _separator(name: str) -> str:
    return "|" if name == "chat_suggestions" else ","


def _shown(value: Any, *, separator: str) -> str:
    match value:
        case None | "" | []:
            return UNSET
        case SecretStr():
            return _masked(value.get_secret_value())
        case bool():
            return str(value).lower()
        case list():
            return separator.join(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _masked(secret: str) -> str:
    """Of an address all but user, password and parameters; of anything else nothing."""
    return _without_secrets(secret) if "://" in secret else _MASK


def _without_secrets(url: str) -> str:
    """A URL without user, password and parameters."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
