"""Which addresses may be fetched. Pure: text and numbers in, verdict out; names are resolved elsewhere.

Invariant: an address is refused unless it is known to be part of the public internet or of a network that the settings allow. IPv6
addresses that carry an IPv4 one inside (mapped, compatible, 6to4, Teredo, NAT64) are never public, whatever is inside.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from yarl import URL

from deskhand.errors import ConfigurationError
from deskhand.knowledge.fetch.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL: Final = 2_048
PORTS: Final = frozenset({80, 443, 8080, 8443})
_SCHEMES: Final = frozenset({"http", "https"})
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\Z")
# A last label that is a number makes an IPv4 address of the whole, in one of the spellings that only some programs know (127.1, 0x7f.1).
_NUMBER: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)\Z")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff]")

_GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
# IANA's registries of special addresses; ours rather than `ipaddress.is_global`, whose verdicts differ between versions of Python.
_RESERVED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # A cloud's own machines see its metadata service under this public address.
        "168.63.129.16/32",
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """`allowed` are networks of one's own, where every port may be asked; elsewhere only public addresses at `ports`."""

    allowed: tuple[Network, ...] = ()
    ports: frozenset[int] = PORTS

    @classmethod
    def of(cls, networks: Sequence[str]) -> Self:
        """Raises:
        ConfigurationError: one of `networks` is no network.
        """
        try:
            return cls(tuple(ipaddress.ip_network(network) for network in networks))
        except ValueError as error:
            raise ConfigurationError(f"DESKHAND_FETCH_ALLOWED_NETWORKS: {error}.", support="Write networks as 10.1.0.0/16.") from error

    def permits(self, address: Address, port: int) -> bool:
        """Whether a connection to `address` may be made."""
        if any(address.version == network.version and address in network for network in self.allowed):
            return True
        return port in self.ports and is_public(address)


def is_public(address: Address) -> bool:
    """Whether this is an ordinary host's address on the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_IPV6):
        return False
    return not any(address.version == network.version and address in network for network in _RESERVED)


def parse_url(text: str, *, base: URL | None = None) -> URL:
    """The address as it will be asked: no fragment, the host in small letters and ASCII. `base` is where a relative one was found.

    Raises:
        AddressRefused: it is no http or https address, has a name or password in it, or its host is spelt in an unusual way.
    """
    text = text.strip(" \t\r\n")
    if not text or len(text) > LONGEST_URL or _UNSAFE.search(text):
        raise AddressRefused(
            f"'{_shown(text)}' is not an address that can be fetched: it is empty, too long, or has unusual characters in it."
        )
    try:
        url = URL(text) if base is None else base.join(URL(text))
    except ValueError as error:
        raise AddressRefused(f"'{_shown(text)}' is not an address.") from error
    return check_url(url.with_fragment(None), shown=_shown(text))


def check_url(url: URL, *, shown: str) -> URL:
    """`url`, if its parts are such as may be asked. See `parse_url`."""
    if url.scheme not in _SCHEMES:
        raise AddressRefused(f"'{shown}' is not fetched: only http and https addresses are.")
    if url.raw_user is not None or url.raw_password is not None or "@" in url.raw_authority:
        raise AddressRefused(f"'{shown}' is not fetched: it has a name or password in it.")
    host = url.raw_host
    if not host or url.port is None or url.port == 0:
        raise AddressRefused(f"'{shown}' is not fetched: it has no host or no port.")
    if find_literal(host) is not None:
        return url
    name = host.removesuffix(".")
    if not _NAME.match(name) or _NUMBER.search(name.rsplit(".", 1)[-1]):
        raise AddressRefused(f"'{shown}' is not fetched: its host is spelt in an unusual way.")
    return url


def find_literal(host: str) -> Address | None:
    """The address that `host` spells out in the one usual way; `None` if it is a name or spelt otherwise."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _shown(text: str) -> str:
    """As much of an address as a message may hold, without a password that stands in it."""
    text = re.sub(r"//[^/@]*@", "//…@", text[:200])
    return "".join(character if character.isprintable() else "�" for character in text)
