"""Servers that run already: where the settings put one, and whether what answers there is a Deskhand."""

import json
from dataclasses import dataclass

import aiohttp

from deskhand.settings import Settings

_LIMIT_SECONDS = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
_LARGEST_ANSWER_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`url` has no slash at its end."""

    url: str
    name: str
    version: str


def address_of(settings: Settings) -> str:
    """Where a server with these settings is reached from this machine."""
    host = settings.api_host
    host = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{settings.api_port}"


async def find_server(settings: Settings) -> RunningServer | None:
    """The Deskhand that answers where the settings say; None when nothing does, or something else."""
    return await find_server_at(address_of(settings))


async def find_server_at(url: str) -> RunningServer | None:
    """The Deskhand at `url`; None when there is none."""
    timeout = aiohttp.ClientTimeout(total=_LIMIT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers={"Accept": "application/json"}) as http,
            http.get(f"{url}/", allow_redirects=False) as response,
        ):
            answer = json.loads(await response.content.read(_LARGEST_ANSWER_BYTES))
    except (aiohttp.ClientError, TimeoutError, UnicodeError, json.JSONDecodeError):
        return None
    if not isinstance(answer, dict) or answer.get("status") != "operational" or "session_store" not in answer:
        return None
    return RunningServer(url, str(answer.get("name")), str(answer.get("version")))
