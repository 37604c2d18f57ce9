"""Keeps tests off the network: any address but loopback fails, and the test with it, also when the code under test hides the error.

The invariant is held by an audit hook, which sees every connect and every name look-up of this process, whichever library makes it.
"""

import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

import pytest

_attempts: list[str] = []
_watched_events = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


class NetworkBanned(RuntimeError):
    """A test reached for an address outside this machine."""


def _host_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The host an event reaches for; None for what stays on the machine by its nature."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        return str(address[0]) if isinstance(address, tuple) else None
    host = arguments[0]
    return host.decode("ascii") if isinstance(host, bytes) else host


def _stays_here(event: str, host: str | None) -> bool:
    if host is None or host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    # Looking up an address that is already a number asks nobody.
    return address.is_loopback or event in {"socket.getaddrinfo", "socket.gethostbyname"}


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _watched_events:
        return
    host = _host_of(event, arguments)
    if _stays_here(event, host):
        return
    attempt = f"{event} to {host}"
    _attempts.append(attempt)
    message = f"{attempt}: tests run without a network"
    raise NetworkBanned(message)


def pytest_configure() -> None:
    sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[list[str]]:
    """The attempts so far, as sentences. A test fails when there are any at its end; one that means it empties the list."""
    _attempts.clear()
    yield _attempts
    if _attempts:
        pytest.fail(f"the test reached for the network: {', '.join(_attempts)}", pytrace=False)
