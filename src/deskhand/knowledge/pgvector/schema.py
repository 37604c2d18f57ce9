"""The tables of this index, made when it is chosen: a PostgreSQL without pgvector must do for everybody else, so they are in no migration.

Invariant: `knowledge_term` counts, for each tier, the rows of `knowledge_search` that have a term, and `knowledge_tally` the rows and
their words. A trigger keeps both, also when a row goes because its chunk does. Whoever changes `knowledge_search` holds the row of
`knowledge_state`, so `stamp` grows in the order of the commits and a reader that is at a stamp misses nothing before it.
"""

import sqlalchemy as sa
import sqlalchemy.exc

from deskhand.errors import ConfigurationError
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.persistence import Database, Transaction

_REMEDY = (
    "Install pgvector 0.8 or newer on the database server and run 'CREATE EXTENSION vector' in Deskhand's database as a superuser, or set "
    "DESKHAND_KNOWLEDGE_INDEX=memory."
)
_OLDEST = (0, 8)
_EXTENSION = sa.text("SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'")

_metadata = sa.MetaData()
search = sa.Table(
    "knowledge_search",
    _metadata,
    sa.Column("chunk_id", sa.BigInteger),
    sa.Column("document_id", sa.String(40)),
    sa.Column("tier", sa.String(16)),
)

_SETUP = (
    """CREATE TABLE IF NOT EXISTS knowledge_search_state (
        id integer PRIMARY KEY, version bigint NOT NULL, stamp bigint NOT NULL)""",
    f"""CREATE TABLE IF NOT EXISTS knowledge_search (
        chunk_id bigint PRIMARY KEY REFERENCES knowledge_chunk (id) ON DELETE CASCADE,
        document_id varchar(40) NOT NULL,
        tier varchar(16) NOT NULL,
        length integer NOT NULL,
        embedding halfvec({DIMENSIONS}) NOT NULL,
        terms integer[] NOT NULL) WITH (toast_tuple_target = 1024)""",
    # The terms of a row are in the inverted index; beside the row they would only make it four times as long to read.
    "ALTER TABLE knowledge_search ALTER COLUMN embedding SET STORAGE PLAIN, ALTER COLUMN terms SET STORAGE EXTERNAL",
    "CREATE INDEX IF NOT EXISTS ix_knowledge_search_document_id ON knowledge_search (document_id)",
    "CREATE INDEX IF NOT EXISTS ix_knowledge_search_terms ON knowledge_search USING gin (terms)",
    """CREATE TABLE IF NOT EXISTS knowledge_term (
        tier varchar(16) NOT NULL, term integer NOT NULL, chunks integer NOT NULL, stamp bigint NOT NULL, PRIMARY KEY (tier, term))""",
    "CREATE INDEX IF NOT EXISTS ix_knowledge_term_stamp ON knowledge_term (stamp)",
    """CREATE TABLE IF NOT EXISTS knowledge_tally (
        tier varchar(16) PRIMARY KEY, chunks bigint NOT NULL, words bigint NOT NULL)""",
    """CREATE OR REPLACE FUNCTION knowledge_search_counted() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
        now_at bigint;
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM changed) THEN
            RETURN NULL;
        END IF;
        UPDATE knowledge_search_state SET stamp = stamp + 1 RETURNING stamp INTO now_at;
        INSERT INTO knowledge_term AS known (tier, term, chunks, stamp)
            SELECT tier, term, sign * count(*), now_at FROM changed, unnest(terms) AS term GROUP BY tier, term
            ON CONFLICT (tier, term) DO UPDATE SET chunks = known.chunks + excluded.chunks, stamp = now_at;
        INSERT INTO knowledge_tally AS known (tier, chunks, words)
            SELECT tier, sign * count(*), sign * sum(length) FROM changed GROUP BY tier
            ON CONFLICT (tier) DO UPDATE SET chunks = known.chunks + excluded.chunks, words = known.words + excluded.words;
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE TRIGGER knowledge_search_inserted AFTER INSERT ON knowledge_search
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION knowledge_search_counted()""",
    """CREATE OR REPLACE TRIGGER knowledge_search_deleted AFTER DELETE ON knowledge_search
        REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION knowledge_search_counted()""",
    "INSERT INTO knowledge_search_state (id, version, stamp) VALUES (1, 0, 0) ON CONFLICT DO NOTHING",
)


async def check_pgvector(database: Database) -> bool:
    """Whether pgvector is installed in this database; False: it is not, but can be.

    Raises:
        ConfigurationError: the database is not PostgreSQL, or has no pgvector that can be used; the message says what to do.
    """
    if database.dialect != "postgresql":
        raise ConfigurationError(
            "DESKHAND_KNOWLEDGE_INDEX=postgresql needs a PostgreSQL database.",
            support="Set DESKHAND_DATABASE_URL to one, or DESKHAND_KNOWLEDGE_INDEX=memory.",
        )
    found = await database.read(_find_extension)
    if found is None:
        raise ConfigurationError("The database server has no pgvector, which DESKHAND_KNOWLEDGE_INDEX=postgresql needs.", support=_REMEDY)
    available, installed = found
    if _numbers(installed or available) < _OLDEST:
        raise ConfigurationError(f"pgvector {installed or available} is too old.", support=_REMEDY)
    return installed is not None


async def set_up(database: Database) -> None:
    """Make what this index needs, where it is missing.

    Raises:
        ConfigurationError: as `check_pgvector`, or the database does not let us make it.
    """
    is_installed = await check_pgvector(database)
    try:
        await database.write(lambda transaction: _make(transaction, is_installed=is_installed))
    except sqlalchemy.exc.ProgrammingError as error:
        raise ConfigurationError(f"The index cannot be made in the database: {error.orig}.", support=_REMEDY) from error


def _find_extension(connection: sa.Connection) -> tuple[str, str | None] | None:
    """The versions that could be had and that is there."""
    row = connection.execute(_EXTENSION).first()
    return (row.default_version, row.installed_version) if row is not None else None


def _make(transaction: Transaction, *, is_installed: bool) -> None:
    # Several instances may start at once.
    transaction.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if not is_installed:
        transaction.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    for statement in _SETUP:
        transaction.execute(sa.text(statement))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


_LOCK = 0x4465736B566563
