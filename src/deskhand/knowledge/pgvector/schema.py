"""The tables of this index, made when it is chosen: a PostgreSQL without pgvector must do for everybody else, so they are in no migration.

Invariant: the sum of all that is in `knowledge_term` is, for each tier, how many rows of `knowledge_search` there are, how many words they
have, and how many of them have each term. A trigger adds what each statement changed, also when a row goes because its chunk does. Whoever
changes `knowledge_search` holds the row of `knowledge_state`, so `stamp` grows in the order of the commits and a reader that is at a stamp
misses nothing before it. What is older than `summed` was added up and stands at that stamp.
"""

from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
import sqlalchemy.exc
from numpy.typing import NDArray

from deskhand.errors import ConfigurationError
from deskhand.knowledge.embedding import DIMENSIONS
from deskhand.persistence import Database, Transaction

_REMEDY = (
    "Install pgvector 0.8 or newer on the database server and run 'CREATE EXTENSION vector' in Deskhand's database as a superuser, or set "
    "DESKHAND_KNOWLEDGE_INDEX=memory."
)
_OLDEST = (0, 8)
# After the point: of a vector of unit length, the components of which are some hundredths.
_DIGITS = 6
_EXTENSION = sa.text("SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'")


class HalfVector(sa.types.UserDefinedType[str]):
    """pgvector's `halfvec`, as it is written."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return f"halfvec({DIMENSIONS})"


def written(vector: NDArray[np.float32]) -> str:
    """A vector as `HalfVector` is written, to the digits that half precision keeps: by one call, which takes a third of 384."""
    return msgspec.json.encode(np.round(vector.astype(np.float64), _DIGITS).tolist()).decode()


# Whether the vectors are kept beside the terms still.
_EARLIER = sa.text(
    """SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('knowledge_search') AND attname = 'embedding')"""
)

_metadata = sa.MetaData()
search = sa.Table(
    "knowledge_search",
    _metadata,
    sa.Column("chunk_id", sa.BigInteger),
    sa.Column("tier", sa.String(16)),
)
embeddings = sa.Table(
    "knowledge_embedding",
    _metadata,
    sa.Column("chunk_id", sa.BigInteger),
    sa.Column("document_id", sa.String(40)),
    sa.Column("embedding", HalfVector()),
)

_SETUP = (
    """CREATE TABLE IF NOT EXISTS knowledge_search_state (
        id integer PRIMARY KEY, version bigint NOT NULL, stamp bigint NOT NULL, summed bigint NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS knowledge_search (
        chunk_id bigint PRIMARY KEY REFERENCES knowledge_chunk (id) ON DELETE CASCADE,
        tier varchar(16) NOT NULL,
        length integer NOT NULL,
        padding text NOT NULL DEFAULT repeat(' ', 2048),
        terms integer[] NOT NULL) WITH (toast_tuple_target = 128)""",
    # A search looks at thousands of these rows: with the terms moved out of them, which are in the index anyway, they are a tenth as long.
    # PostgreSQL does that to rows of more than 2 KB alone: the padding makes each one so, and is compressed to nothing.
    "ALTER TABLE knowledge_search ALTER COLUMN terms SET STORAGE EXTERNAL",
    f"""CREATE TABLE IF NOT EXISTS knowledge_embedding (
        chunk_id bigint PRIMARY KEY REFERENCES knowledge_search (chunk_id) ON DELETE CASCADE,
        document_id varchar(40) NOT NULL,
        embedding halfvec({DIMENSIONS}) NOT NULL)""",
    # Components look random: trying to compress them is in vain.
    "ALTER TABLE knowledge_embedding ALTER COLUMN embedding SET STORAGE PLAIN",
    "CREATE INDEX IF NOT EXISTS ix_knowledge_search_terms ON knowledge_search USING gin (terms)",
    # A row for each change and tier, which is twenty times as quick to write as a row for each term.
    """CREATE TABLE IF NOT EXISTS knowledge_term (
        stamp bigint NOT NULL, tier varchar(16) NOT NULL, chunks bigint NOT NULL, words bigint NOT NULL,
        terms integer[] NOT NULL, counts integer[] NOT NULL)""",
    "ALTER TABLE knowledge_term ALTER COLUMN terms SET STORAGE EXTERNAL, ALTER COLUMN counts SET STORAGE EXTERNAL",
    """CREATE OR REPLACE FUNCTION knowledge_search_counted() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
        now_at bigint;
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM changed) THEN
            RETURN NULL;
        END IF;
        UPDATE knowledge_search_state SET stamp = stamp + 1 RETURNING stamp INTO now_at;
        INSERT INTO knowledge_term (stamp, tier, chunks, words, terms, counts)
            SELECT now_at, rows.tier, rows.chunks, rows.words, COALESCE(had.terms, '{}'), COALESCE(had.counts, '{}')
            FROM (SELECT tier, sign * count(*) AS chunks, sign * sum(length) AS words FROM changed GROUP BY tier) AS rows
            LEFT JOIN (
                SELECT tier, array_agg(term) AS terms, array_agg(chunks) AS counts FROM (
                    SELECT tier, term, sign * count(*) AS chunks FROM changed, unnest(terms) AS term GROUP BY tier, term) AS counted
                GROUP BY tier) AS had USING (tier);
        RETURN NULL;
    END $$""",
    """CREATE OR REPLACE TRIGGER knowledge_search_inserted AFTER INSERT ON knowledge_search
        REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION knowledge_search_counted()""",
    """CREATE OR REPLACE TRIGGER knowledge_search_deleted AFTER DELETE ON knowledge_search
        REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION knowledge_search_counted()""",
    "INSERT INTO knowledge_search_state (id, version, stamp, summed) VALUES (1, 0, 0, 0) ON CONFLICT DO NOTHING",
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
    if transaction.execute(_EARLIER).scalar():
        transaction.execute(sa.text("DROP TABLE IF EXISTS knowledge_search, knowledge_search_state, knowledge_term, knowledge_tally"))
    if not is_installed:
        transaction.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    for statement in _SETUP:
        transaction.execute(sa.text(statement))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


_LOCK = 0x4465736B566563
