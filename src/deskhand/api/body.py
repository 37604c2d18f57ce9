"""Reading a JSON body: strict JSON, then a schema that refuses what it does not know.

The invariant: what cannot be stored on every database (a null character, a number out of range) is refused here, with 422.
"""

from typing import Any, TypeVar

import msgspec
from fastapi import Request
from pydantic import BaseModel, ValidationError

from deskhand.api.errors import malformed
from deskhand.errors import Malformed, UnsupportedKind

Schema = TypeVar("Schema", bound=BaseModel)

_DEEPEST = 32


async def read_json(request: Request, schema: type[Schema], *, optional: bool = False) -> Schema:
    """The body as a `schema`. With `optional`, no body at all is an empty object.

    Raises:
        UnsupportedKind: the body is said to be something else than JSON.
        Malformed: not JSON, or not of this schema; names the field.
    """
    check_json(request, support="Send JSON with 'Content-Type: application/json'.")
    raw = await request.body()
    return validate({} if optional and not raw else decode_json(raw), schema)


def check_json(request: Request, *, support: str) -> None:
    """Raises UnsupportedKind: the body is said to be something else than JSON."""
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedKind(f"The body is {content_type}, not JSON.", support=support)


def decode_json(raw: bytes | str, *, what: str = "body") -> Any:
    """Decode strict JSON: no NaN, no lone surrogate, no invalid UTF-8, no null character in any text, at most 32 levels deep.

    Raises:
        Malformed: it is not that.
    """
    try:
        value = msgspec.json.decode(raw)
    except UnicodeError as error:
        raise Malformed(f"The {what} is not valid UTF-8.", support="Send JSON encoded in UTF-8.") from error
    except RecursionError as error:
        raise Malformed(f"The {what} is nested too deeply.") from error
    except msgspec.DecodeError as error:
        raise Malformed(f"The {what} is not JSON: {error}.", support="Send JSON as RFC 8259 has it.") from error
    escaped_null: Any = b"\\u0000" if isinstance(raw, bytes) else "\\u0000"
    if isinstance(value, dict | list):
        _check(value, null_possible=escaped_null in raw, depth=1)
    return value


def validate(value: Any, schema: type[Schema]) -> Schema:
    """Raises Malformed: `value` is not of this schema; names the field."""
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise malformed(error.errors(include_url=False, include_input=False, include_context=False), within=("body",)) from error


def _check(value: Any, *, null_possible: bool, depth: int) -> None:
    if depth > _DEEPEST:
        raise Malformed(f"The body is nested deeper than {_DEEPEST} levels.")
    if isinstance(value, dict):
        for key, item in value.items():
            if null_possible:
                _refuse_null(key)
                _refuse_null(item)
            if isinstance(item, dict | list):
                _check(item, null_possible=null_possible, depth=depth + 1)
    else:
        for item in value:
            if null_possible:
                _refuse_null(item)
            if isinstance(item, dict | list):
                _check(item, null_possible=null_possible, depth=depth + 1)


def _refuse_null(text: Any) -> None:
    if isinstance(text, str) and "\x00" in text:
        raise Malformed("A text in the body holds a null character.", support="Send text without U+0000.")
