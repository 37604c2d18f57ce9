"""The database and the accounts, as the settings have them. A part of the composition root, for commands that need no more of it.

The invariant: neither the agent nor the knowledge base is loaded here, which would be most of such a command's time.
"""

import structlog

from deskhand.clock import Clock
from deskhand.errors import DeskhandError
from deskhand.persistence import Database, PostgresqlOptions
from deskhand.persistence.migrations import check_schema, migrate
from deskhand.settings import Environment, Settings
from deskhand.staff import Keyring, OidcRules, StaffRules, StaffService
from deskhand.staff.secret_file import load_secrets

log = structlog.get_logger(__name__)

_MIGRATED_AT_START = (Environment.DEVELOPMENT, Environment.TESTING)


async def open_database(settings: Settings, clock: Clock) -> Database:
    """The database of the settings, at this version's schema. In development it is migrated, elsewhere it must have been.

    Raises:
        ConfigurationError: it cannot be used as it is; says what to do.
    """
    options = PostgresqlOptions(
        pool_size=settings.database_pool_size,
        pool_overflow=settings.database_pool_overflow,
        pool_wait_seconds=settings.database_pool_wait_seconds,
        recycle_seconds=settings.database_recycle_seconds,
        statement_seconds=settings.database_statement_seconds,
        lock_seconds=settings.database_lock_seconds,
        idle_in_transaction_seconds=settings.database_idle_seconds,
        application_name=settings.database_application_name,
        prepared_statements=settings.database_prepared_statements,
    )
    database = await Database.open(settings.database_address, clock=clock, options=options)
    try:
        if settings.environment in _MIGRATED_AT_START:
            if await migrate(database):
                log.info("database_migrated")
        else:
            await check_schema(database)
    except DeskhandError:
        await database.close()
        raise
    return database


def create_staff(settings: Settings, database: Database, clock: Clock) -> StaffService:
    rules = StaffRules(idle_seconds=settings.staff_idle_seconds, session_seconds=settings.staff_session_seconds, issuer=settings.app_name)
    oidc = _read_oidc(settings)
    return StaffService(database, clock=clock, keyring=Keyring(load_secrets(settings)), rules=rules, oidc=oidc)


def _read_oidc(settings: Settings) -> OidcRules | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    return OidcRules(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret is not None else None,
        name=settings.oidc_name,
        scopes=tuple(settings.oidc_scopes),
        trusts_unverified=settings.oidc_trust_unverified_email,
        domains=frozenset(domain.casefold() for domain in settings.oidc_domains),
        roles_claim=settings.oidc_roles_claim,
        admin_roles=frozenset(settings.oidc_admin_roles),
        operator_roles=frozenset(settings.oidc_operator_roles),
    )
