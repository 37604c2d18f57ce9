"""`deskhand knowledge`: what staff do on the command line."""

import json
from pathlib import Path

import pytest

from cli.program import Program

pytestmark = pytest.mark.timeout(180)


async def test_a_document_lives_from_its_adding_to_its_deletion(tmp_path: Path) -> None:
    program = Program(tmp_path, environment="testing")
    (tmp_path / "old.md").write_text("# Refunds\n\nYou get your money back within 14 days of delivery.\n")
    (tmp_path / "new.md").write_text("# Refunds\n\nYou get your money back within 30 days of delivery.\n")
    added = (await program.run("knowledge", "add", "old.md", "new.md", "--until", "2099-01-01", "--json")).went_well()
    report = json.loads(added.out)
    assert (report["indexed"], [warning["kind"] for warning in report["warnings"]]) == (2, ["contradiction"])

    listed = (await program.run("knowledge", "list", "old.md")).went_well().out.strip().split("\t")
    name = listed[0]
    assert listed[1:3] + listed[4:] == ["active", "public", "Refunds", "old.md"]
    edited = (await program.run("knowledge", "edit", name, "--audience", "customers", "--until", "none")).went_well()
    assert "revision 2, active, for customers" in edited.out
    (await program.run("knowledge", "disable", name, "--if-revision", "1")).refused("somebody changed", "new revision")
    (await program.run("knowledge", "replace", name, "-", "--title", "Money", stdin=b"Nothing comes back.")).went_well()
    history = (await program.run("knowledge", "history", name)).went_well().out
    assert "title: Refunds → Money" in history
    assert "-You get your money back within 14 days of delivery." in history
    assert "audience" in (await program.run("knowledge", "show", name)).went_well().out.lower()

    (await program.run("knowledge", "sync", name)).refused("address of its own")
    (await program.run("knowledge", "edit", name, "--from", "soon")).refused("is no time", code=2)
    (await program.run("knowledge", "edit", name)).refused("Name something to set", code=2)
    (await program.run("knowledge", "delete", name, "--yes")).went_well()
    (await program.run("knowledge", "show", name)).refused("There is no such document")
    gone = json.loads((await program.run("knowledge", "history", name, "--json")).went_well().out)
    assert [(change["action"], change["earlier_text"], change["changes"]) for change in gone] == [
        ("deleted", None, {}),
        ("replaced", None, {}),
        ("edited", None, {}),
        ("added", None, {}),
    ]
