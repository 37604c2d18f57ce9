"""`deskhand backup` and `deskhand restore`, as a person types them."""

import stat
from pathlib import Path

from cli.program import Program


async def test_a_small_installation_moves_to_postgresql(program: Program, handbook: Path, postgres_url: str, tmp_path: Path) -> None:
    """With the index in PostgreSQL, which is not in a backup and is made again."""
    backup, again = tmp_path / "small.zip", tmp_path / "large.zip"
    large = {"database_url": postgres_url, "knowledge_index": "postgresql", "data_dir": "large"}
    (await program.run("ingest", str(handbook))).went_well()
    written = (await program.run("backup", str(backup))).went_well()
    assert "3 documents" in written.out
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "postgres:***@" in (await program.run("restore", str(backup), **large)).went_well().out
    (await program.run("backup", str(again), **large)).went_well()
    (await program.run("restore", str(again), **large)).refused("has rows", "--force")
    (await program.run("restore", "--force", str(again), **large)).went_well()
    assert "Mondays" in (await program.run("ask", "When do you ship tea?", **large)).went_well().out


async def test_what_cannot_be_done_is_said(program: Program, tmp_path: Path) -> None:
    backup = tmp_path / "backup.zip"
    (await program.run("backup", str(backup))).refused("no database file")
    (await program.run("migrate")).went_well()
    (await program.run("backup", str(backup))).went_well()
    (await program.run("backup", str(backup))).refused("there already", "another name")
    assert "is whole" in (await program.run("backup", "--check", str(backup))).went_well().out
    backup.write_bytes(backup.read_bytes()[:-100])
    (await program.run("restore", "--force", str(backup))).refused("not a backup")
    (await program.run("backup", str(tmp_path / "none" / "b.zip"))).refused("cannot be written", "room")


async def test_the_files_of_the_old_search_index_go_with_the_old_database(program: Program, tmp_path: Path) -> None:
    backup = tmp_path / "backup.zip"
    (await program.run("migrate")).went_well()
    (await program.run("backup", str(backup))).went_well()
    shard = program.folder / "data" / "index" / "0123456789abcdef.shard"
    shard.parent.mkdir()
    shard.touch()
    (await program.run("restore", "--force", str(backup))).went_well()
    assert not shard.exists()
