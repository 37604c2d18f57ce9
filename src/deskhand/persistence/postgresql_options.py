"""How PostgreSQL is connected to: what the address says, and what the settings say.

Invariant: a parameter of the address is obeyed or refused, never passed over; no message holds the password.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa

from deskhand.errors import ConfigurationError

CONNECT_TIMEOUT_SECONDS = 5.0
# What libpq calls these, and asyncpg reads from an address of its own.
_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version")
_PASSED_ON = frozenset({*_TLS, "target_session_attrs", "krbsrvname"})


@dataclass(frozen=True, slots=True)
class PostgresqlOptions:
    """`pool_overflow` connections beyond `pool_size` are opened under load and closed again; one that is older than `recycle_seconds` is
    replaced. A statement that takes longer than `statement_seconds`, or waits for a lock longer than `lock_seconds`, is given up.

    Without `prepared_statements` nothing outlives a transaction on the server's side, as a pooler in transaction mode needs it. Such a
    pooler does not pass the time limits on either: they are set for the role (docs/postgresql.md).
    """

    pool_size: int = 10
    pool_overflow: int = 0
    pool_wait_seconds: float = 5.0
    recycle_seconds: float = 1_800.0
    statement_seconds: float = 10.0
    lock_seconds: float = 5.0
    idle_in_transaction_seconds: float = 30.0
    application_name: str = "deskhand"
    prepared_statements: bool = True


def address_of(url: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """The address as SQLAlchemy takes it, and what of its parameters goes to the driver: TLS as libpq writes it.

    Raises:
        ConfigurationError: a parameter that is not known; names it.
    """
    unknown = sorted(set(url.query) - _PASSED_ON - {"host", "application_name"})
    if unknown:
        known = ", ".join(["application_name", "host", *sorted(_PASSED_ON)])
        raise ConfigurationError(
            f"DESKHAND_DATABASE_URL has the parameter {unknown[0]!r}, which is not known.", support=f"Known are {known}."
        )
    passed_on = {name: value for name, value in url.query.items() if name in _PASSED_ON}
    hosts = {name: value for name, value in url.query.items() if name == "host"}
    arguments = {"dsn": f"postgresql://?{urlencode(passed_on)}"} if passed_on else {}
    return url.set(drivername="postgresql+asyncpg", query=hosts), arguments


def name_of(url: sa.URL, default: str) -> str:
    """What the connections are called in `pg_stat_activity`."""
    found = url.query.get("application_name", default)
    return found if isinstance(found, str) else found[0]


def connect_arguments(url: sa.URL, options: PostgresqlOptions) -> dict[str, Any]:
    """What asyncpg is given for each connection of the pool. Raises ConfigurationError."""
    _, arguments = address_of(url)
    server_settings = {"application_name": name_of(url, options.application_name)}
    arguments |= {"timeout": CONNECT_TIMEOUT_SECONDS, "command_timeout": options.statement_seconds, "server_settings": server_settings}
    if options.prepared_statements:
        server_settings |= {
            "statement_timeout": _milliseconds(options.statement_seconds),
            "lock_timeout": _milliseconds(options.lock_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(options.idle_in_transaction_seconds),
        }
    else:
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            # Two clients of the pooler may be given the same connection of the server, one after the other.
            "prepared_statement_name_func": lambda: f"__deskhand_{uuid4().hex}__",
        }
    return arguments


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
