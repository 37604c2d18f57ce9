"""`deskhand migrate` on both databases."""

from pathlib import Path

from cli.program import Program
from parts.ports import find_free_port


async def test_it_sets_up_an_empty_database_once(program: Program, database_url: str) -> None:
    program.settings["database_url"] = database_url
    assert (await program.run("migrate")).went_well().out.count("was brought to revision") == 1
    assert "is up to date already" in (await program.run("migrate")).went_well().out
    assert "is up to date" in (await program.run("migrate", "--check")).went_well().out


async def test_check_says_that_a_migration_is_needed_and_makes_none(program: Program, database_url: str) -> None:
    program.settings["database_url"] = database_url
    (await program.run("migrate", "--check")).refused("Run 'deskhand migrate'")
    (await program.run("migrate", "--check")).refused("Run 'deskhand migrate'")


async def test_check_makes_no_file(program: Program) -> None:
    (await program.run("migrate", "--check")).refused("no database file", "deskhand migrate")
    assert list(program.folder.iterdir()) == []


async def test_the_password_is_not_shown(program: Program, postgres_url: str) -> None:
    assert "postgres:postgres@" in postgres_url
    shown = (await program.run("migrate", database_url=postgres_url)).went_well().out
    assert "postgres:***@" in shown


async def test_a_database_that_does_not_answer_is_named(program: Program) -> None:
    address = f"postgresql://desk:hunter2@127.0.0.1:{find_free_port()}/desk"
    done = await program.run("migrate", database_url=address)
    done.refused("127.0.0.1")
    assert "hunter2" not in done.err


async def test_a_file_that_is_no_database_is_named(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database\n" * 100, encoding="utf-8")
    (await program.run("migrate", database_url=f"sqlite:///{file}")).refused(str(file), "DESKHAND_DATABASE_URL")
    assert file.read_text(encoding="utf-8").startswith("no database")


async def test_outside_development_nothing_starts_before_the_migration(program: Program) -> None:
    (await program.run("ask", "Is there tea?", environment="staging")).refused("Run 'deskhand migrate'")
    (await program.run("migrate", environment="staging")).went_well()
    (await program.run("ask", "Is there tea?", environment="staging")).went_well()
