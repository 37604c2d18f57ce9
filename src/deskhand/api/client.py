"""Who is at the other end of the connection: the peer's address, or what a proxy that we trust says about it.

The invariant: a forwarding header counts only when the peer itself is a trusted proxy. Anyone else may write what they like into it.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from deskhand.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Peers:
    """Reads the client's address and the scheme it used."""

    __slots__ = ("_trusted",)

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        """Raises ConfigurationError: one of `trusted_proxies` is not an address or a network."""
        self._trusted: list[Network] = []
        for item in trusted_proxies:
            try:
                self._trusted.append(ipaddress.ip_network(item, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"DESKHAND_TRUSTED_PROXIES: {item!r} is not an IP address or network.",
                    support="Name each proxy as an address ('10.0.0.5') or a network ('10.0.0.0/8'), separated by commas.",
                ) from error

    def address(self, scope: Scope) -> str:
        """The client's IP address; "unknown" where the transport has none (a Unix socket)."""
        peer = _peer(scope)
        if not self._trusted or not self._trusts(peer):
            return peer
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
        # The rightmost address that is not a proxy of ours is the last one that somebody we trust has seen with their own eyes.
        for hop in reversed([hop.strip() for hop in forwarded.split(",") if hop.strip()]):
            address = _parse(hop)
            if address is None:
                return peer
            if not self._within(address):
                return str(address)
        return peer

    def origin(self, scope: Scope) -> str:
        """The origin this server was reached at, as a browser writes it: `https://help.example.com`."""
        headers = Headers(scope=scope)
        scheme: str = {"ws": "http", "wss": "https"}.get(scope["scheme"]) or scope["scheme"]
        host = headers.get("host", "")
        if self._trusted and self._trusts(_peer(scope)):
            scheme = headers.get("x-forwarded-proto", scheme)
            host = headers.get("x-forwarded-host", host)
        return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ' '))}"

    def _trusts(self, peer: str) -> bool:
        address = _parse(peer)
        return address is not None and self._within(address)

    def _within(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


class Origins:
    """Which pages may open a WebSocket: this server's own, and those named in the settings."""

    __slots__ = ("_allowed", "_peers")

    def __init__(self, allowed: Sequence[str], *, peers: Peers) -> None:
        self._allowed = frozenset(allowed)
        self._peers = peers

    def allow(self, scope: Scope) -> bool:
        """Whether the handshake may go on. No Origin at all means that it is not a browser, which has no ambient authority here."""
        given = Headers(scope=scope).getlist("origin")
        if not given:
            return True
        if len(given) > 1:
            return False
        return given[0] in self._allowed or "*" in self._allowed or given[0] == self._peers.origin(scope)

    def is_own(self, scope: Scope) -> bool:
        """Whether a page of this server sent the request, or no browser at all.

        Browsers say so in `Sec-Fetch-Site`, which no page can write; older ones send an Origin, whose host is compared (not its scheme,
        which a proxy that ends TLS may have changed).
        """
        headers = Headers(scope=scope)
        site = headers.getlist("sec-fetch-site")
        if site:
            return site in (["same-origin"], ["none"])
        given = headers.getlist("origin")
        return not given or [_host_of(origin) for origin in given] == [_host_of(self._peers.origin(scope))]

    def own(self, scope: Scope) -> str:
        """The origin that this server was reached at: `https://help.example.com`."""
        return self._peers.origin(scope)

    def is_secure(self, scope: Scope) -> bool:
        """Whether this server was reached over TLS."""
        return self._peers.origin(scope).startswith("https://")


def _host_of(origin: str) -> str:
    return origin.partition("://")[2].lower()


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _parse(text: str) -> Address | None:
    text = text.removeprefix("[").partition("]")[0] if text.startswith("[") else text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
