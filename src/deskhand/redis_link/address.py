"""The forms a Redis address can have: one server, one behind Sentinel, a cluster; each with TLS or without.

    redis://[user:password@]host[:6379][/database]            one server (unix:///path for a socket)
    redis+sentinel://[user:password@]host[:26379],…/service[/database][?sentinel_username=…&sentinel_password=…]
    redis+cluster://[user:password@]host[:6379],…

`rediss` in place of `redis` means TLS. User and password are those of the Redis servers; Sentinels have their own.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from deskhand.errors import ConfigurationError

_PORT = 6379
_SENTINEL_PORT = 26_379


class RedisKind(StrEnum):
    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`hosts` are those to begin with: the server, the Sentinels, or some nodes. `options` are redis-py's own, of a single server's URL."""

    kind: RedisKind
    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    service: str = ""
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    url: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "RedisAddress":
        """Raises:
        ConfigurationError: not such an address. Never names the password.
        """
        scheme, _, rest = url.partition("://")
        secure, _, form = scheme.partition("+")
        if not rest or (secure not in ("redis", "rediss") and scheme != "unix") or form not in ("", "sentinel", "cluster"):
            raise unreadable()
        if not form:
            return cls(RedisKind.SINGLE, (), tls=secure == "rediss", url=url)
        kind = RedisKind(form)
        try:
            return _parse_many(kind, rest, tls=secure == "rediss")
        except ValueError as error:
            raise unreadable() from error

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords that must never be shown."""
        single = urlsplit(self.url).password if self.url else None
        found = (self.password, self.sentinel_password, single and unquote(single))
        return tuple(secret for secret in found if secret)

    @property
    def shown(self) -> str:
        """The address for a log: without user, password or options."""
        if self.url:
            scheme, _, rest = self.url.partition("://")
            return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        end = f"/{self.service}/{self.database}" if self.kind is RedisKind.SENTINEL else ""
        return f"{'rediss' if self.tls else 'redis'}+{self.kind}://{hosts}{end}"


def _parse_many(kind: RedisKind, rest: str, *, tls: bool) -> RedisAddress:
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    port = _SENTINEL_PORT if kind is RedisKind.SENTINEL else _PORT
    service, _, database = path.strip("/").partition("/")
    options = parse_qs(query, strict_parsing=bool(query))
    known = {"sentinel_username", "sentinel_password"} if kind is RedisKind.SENTINEL else set()
    if (kind is RedisKind.SENTINEL) != bool(service) or not options.keys() <= known:
        raise ValueError
    return RedisAddress(
        kind,
        tuple(_parse_host(host, port) for host in hosts.split(",")),
        tls=tls,
        username=unquote(user) or None,
        password=unquote(password) or None,
        database=int(database or 0),
        service=unquote(service),
        sentinel_username=options.get("sentinel_username", [None])[0],
        sentinel_password=options.get("sentinel_password", [None])[0],
    )


def _parse_host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text.strip()}")
    if not parts.hostname or parts.path:
        raise ValueError
    return parts.hostname, parts.port or port


def unreadable() -> ConfigurationError:
    """What is said of an address that is none."""
    return ConfigurationError(
        "The Redis URL cannot be read.",
        support="Set DESKHAND_REDIS_URL, or the one of DESKHAND_CACHE_REDIS_URL and DESKHAND_SESSION_REDIS_URL that you use, to "
        "'redis://[user:password@]host:6379/0', 'redis+sentinel://host:26379,host:26379/service' or "
        "'redis+cluster://host:6379,host:6379'; 'rediss' in place of 'redis' means TLS.",
    )
