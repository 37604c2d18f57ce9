"""Values of JSON columns as text: written and read by msgspec, which takes a tenth of the time of the standard library.

The invariant: what is written is UTF-8 without lone surrogates. No database would keep those, and nothing that comes in holds them.
"""

from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


def to_json(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def from_json(text: str | bytes) -> Any:
    return _DECODER.decode(text)
