"""What the doctor says about the database and what is in it."""

import asyncio
from pathlib import Path

import sqlalchemy as sa

from deskhand.cli.doctor.checks import Finding, Verdict, failed
from deskhand.errors import DeskhandError
from deskhand.knowledge import Embedder, KnowledgeOptions, KnowledgeService
from deskhand.knowledge.pgvector import check_pgvector
from deskhand.persistence import Database, DatabaseNotSetUp, parse_url
from deskhand.persistence.migrations import HEAD, check_schema
from deskhand.settings import Environment, Settings

_SAFE_SQLITE = (3, 51, 3)
_LIMIT_SECONDS = 5.0
_MIGRATE = "Run 'deskhand migrate'."


async def check_database(settings: Settings) -> list[Finding]:
    """Whether it can be reached, whether its tables are right, and whether there is something to answer from."""
    name = "Database"
    try:
        url = parse_url(settings.database_address)
    except DeskhandError as error:
        return [failed(name, error)]
    shown = url.render_as_string(hide_password=True)
    if _is_missing_file(url):
        if settings.environment in (Environment.DEVELOPMENT, Environment.TESTING):
            return [Finding(name, Verdict.OK, f"{url.database} is made at the first start")]
        return [Finding(name, Verdict.FAIL, f"{url.database} is not there.", _MIGRATE)]
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            database = await Database.open(settings.database_address)
    except TimeoutError:
        return [Finding(name, Verdict.FAIL, f"{shown} does not answer.", "Start it, or correct DESKHAND_DATABASE_URL.")]
    except DeskhandError as error:
        return [failed(name, error)]
    try:
        findings = [await _check_server(database, shown=shown), await _check_tables(database, settings)]
        if findings[-1].verdict is Verdict.OK:
            findings.append(await _check_knowledge(database, settings))
        if settings.knowledge_index == "postgresql":
            findings.append(await _check_index(database))
    except DeskhandError as error:
        return [failed(name, error)]
    finally:
        await database.close()
    return findings


def _is_missing_file(url: sa.URL) -> bool:
    """Opening a file that is not there would make it."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


async def _check_server(database: Database, *, shown: str) -> Finding:
    question = sa.func.sqlite_version() if database.dialect == "sqlite" else sa.func.current_setting("server_version")
    version = str(await database.read(lambda connection: connection.execute(sa.select(question)).scalar_one()))
    if database.dialect == "postgresql":
        return Finding("Database", Verdict.OK, f"{shown}, PostgreSQL {version.split(maxsplit=1)[0]}")
    if tuple(int(number) for number in version.split(".")) < _SAFE_SQLITE:
        remedy = "Install the pysqlite3 that Deskhand asks for."
        return Finding("Database", Verdict.WARN, f"SQLite {version} can damage a file in WAL mode.", remedy)
    return Finding("Database", Verdict.OK, f"{shown}, SQLite {version}")


async def _check_tables(database: Database, settings: Settings) -> Finding:
    try:
        await check_schema(database)
    except DatabaseNotSetUp as error:
        if settings.environment in (Environment.DEVELOPMENT, Environment.TESTING):
            return Finding("Tables", Verdict.WARN, f"{error.message} They are made at the next start.", _MIGRATE)
        return failed("Tables", error)
    except DeskhandError as error:
        return failed("Tables", error)
    return Finding("Tables", Verdict.OK, f"at revision {HEAD}, as this version needs")


async def _check_index(database: Database) -> Finding:
    try:
        is_installed = await check_pgvector(database)
    except DeskhandError as error:
        return failed("Search index", error)
    return Finding("Search index", Verdict.OK, "in PostgreSQL" if is_installed else "in PostgreSQL; pgvector is set up at the next start")


async def _check_knowledge(database: Database, settings: Settings) -> Finding:
    knowledge = KnowledgeService(database, Embedder(threads=1), KnowledgeOptions(threads=1))
    try:
        documents = await knowledge.count_documents()
    finally:
        await knowledge.close()
    if documents:
        return Finding("Knowledge", Verdict.OK, f"{documents} document{'' if documents == 1 else 's'}")
    if settings.is_development and settings.knowledge_samples:
        return Finding("Knowledge", Verdict.OK, "empty; the samples are put in at the next start")
    return Finding("Knowledge", Verdict.WARN, "There is nothing to answer from.", "Put documents in: deskhand ingest FOLDER")
