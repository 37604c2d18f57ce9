"""From a checked URL to a socket: names resolved once, every address checked, and checked again in the moment of connecting.

Invariant: no socket is made for an address that the policy does not permit. A name that resolves to several addresses is refused if one of
them is not permitted, so that which one is tried first does not matter.
"""

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from deskhand.knowledge.fetch.addresses import Address, AddressPolicy, find_literal


class Forbidden(OSError):
    """An address that may not be connected to. An OSError so that it passes through aiohttp as the cause of a failed connection."""


class CheckedResolver(AbstractResolver):
    """Another resolver's answers, or none of them when one is not permitted."""

    def __init__(self, policy: AddressPolicy, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver or ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Raises:
        Forbidden: at least one address of `host` may not be connected to.
        OSError: the name cannot be resolved.
        """
        found = await self._resolver.resolve(host, port, family)
        if not found:
            raise OSError(f"{host} has no address")
        for result in found:
            require_permitted(self._policy, _address_of(result["host"]), port)
        return found

    async def addresses_of(self, host: str, port: int) -> list[Address]:
        """The addresses of a name or of a spelt-out address. Raises as `resolve` does."""
        literal = find_literal(host)
        if literal is not None:
            require_permitted(self._policy, literal, port)
            return [literal]
        return [_address_of(result["host"]) for result in await self.resolve(host, port)]

    async def close(self) -> None:
        await self._resolver.close()


def require_permitted(policy: AddressPolicy, address: Address, port: int) -> None:
    """Raises Forbidden."""
    if not policy.permits(address, port):
        raise Forbidden(f"{address} port {port}")


def connector(policy: AddressPolicy, resolver: CheckedResolver) -> aiohttp.TCPConnector:
    """A connector that makes sockets for permitted addresses alone. Must be made inside a running event loop."""

    def make_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        require_permitted(policy, _address_of(str(address[0])), int(address[1]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, family=socket.AF_UNSPEC, socket_factory=make_socket, limit=0)


def _address_of(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise Forbidden(f"{text} is no address") from error
