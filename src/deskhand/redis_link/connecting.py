"""From an address to the way there. redis-py's own retries are off everywhere: they turn a limit of 0.5 s into 8.6 s."""

from pathlib import Path
from typing import Any, cast

from redis.asyncio import ConnectionPool, Redis, Sentinel
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from deskhand.redis_link.address import RedisAddress, RedisKind, unreadable
from deskhand.redis_link.cluster import ClusterWay
from deskhand.redis_link.direct import DirectWay
from deskhand.redis_link.way import Way


def find_way(address: RedisAddress, *, ca_file: Path | None, limit_seconds: float, connections: int) -> Way:
    """The way to `address`, with at most so many connections to a node of a cluster; each is made when it is needed.

    Raises:
        ConfigurationError: redis-py cannot read the address.
    """
    # Whoever asks has one limit for everything that happens in a command; another for each read would cost a quarter of it.
    common: dict[str, Any] = {
        "socket_timeout": None,
        "socket_connect_timeout": limit_seconds,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
    }
    login: dict[str, Any] = {"username": address.username, "password": address.password}
    trust: dict[str, Any] = {"ssl_ca_certs": str(ca_file)} if ca_file is not None and address.tls else {}
    secure: dict[str, Any] = {"ssl": True, **trust} if address.tls else {}
    try:
        match address.kind:
            case RedisKind.SINGLE:
                return DirectWay(Redis.from_pool(ConnectionPool.from_url(address.url, **common, **trust)))
            case RedisKind.SENTINEL:
                return _past_sentinels(address, limit_seconds=limit_seconds, options={**common, **login, **secure}, secure=secure)
            case RedisKind.CLUSTER:
                nodes = [ClusterNode(host, port) for host, port in address.hosts]
                # Else every fifth key that has moved would end all connections, with what is under way on them.
                own: dict[str, Any] = {"reinitialize_steps": 0, "max_connections": connections}
                return ClusterWay(RedisCluster(startup_nodes=nodes, **own, **login, **common, **secure))
    except (ValueError, RedisError, RedisClusterException) as error:
        raise unreadable() from error


def _past_sentinels(address: RedisAddress, *, limit_seconds: float, options: dict[str, Any], secure: dict[str, Any]) -> Way:
    login = {"username": address.sentinel_username, "password": address.sentinel_password}
    # A Sentinel that does not answer must leave time to ask the next one.
    patience = {"socket_timeout": limit_seconds / 2, "socket_connect_timeout": limit_seconds / 2, "retry": Retry(NoBackoff(), 0)}
    sentinel = cast("Any", Sentinel)(address.hosts, sentinel_kwargs={**login, **patience, **secure})
    client = cast("Redis", sentinel.master_for(address.service, db=address.database, **options))
    return DirectWay(client, closes=[sentinel])
