"""The audit log: what is done is in it once, holds no secret, and whoever changes it is found out (RELIABILITY E15)."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from api.serving import STAFF, serving, settings_in
from deskhand.ids import StaffId
from deskhand.persistence import Transaction
from deskhand.staff import Actor
from deskhand.staff.tables import audit_entries, audit_heads
from staff.people import PASSWORD, Company, company_at

EDITS = 200


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    async with serving(settings_in(tmp_path)) as served, company_at(served) as company:
        yield company


async def actions(company: Company, **query: Any) -> list[dict[str, Any]]:
    """What the log has, the oldest first."""
    answer = await company.served.http.get("/api/staff/audit", params={"limit": 500, **query}, headers=STAFF)
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


async def test_everything_that_staff_do_is_in_it_once_under_their_names_and_without_a_secret(company: Company) -> None:
    admin = await company.hire("root@example.com", "admin")
    operator = await company.hire("ada@example.com")
    visitor = await company.served.visitor()
    at_desk = f"/api/desk/conversations/{visitor.session_id}"
    await admin.send("PATCH", f"/api/staff/accounts/{operator.staff_id}", {"capacity": 9, "skills": ["billing"]})
    await admin.send("PATCH", f"/api/staff/accounts/{operator.staff_id}", {"capacity": 9})
    key = (await admin.send("POST", "/api/staff/keys", {"name": "shop", "scopes": ["desk"]})).json()
    await admin.send("DELETE", f"/api/staff/keys/{key['key_id']}")
    document = await admin.send("POST", "/api/knowledge/documents", {"title": "Tea", "text": "We ship tea on Mondays."})
    assert document.status_code == 200, document.text
    for step, body in (
        ("claim", None),
        ("claim", None),
        ("read", None),
        ("messages", {"message": "A secret of the customer."}),
        ("resolve", None),
    ):
        answer = await operator.send("POST", f"{at_desk}/{step}", body)
        assert answer.status_code in (200, 201), (step, answer.text)
    reply = {"shortcut": "tea", "title": "Tea", "text": "We ship tea on Mondays."}
    assert (await operator.send("POST", "/api/desk/replies", reply)).status_code == 201
    await operator.send("POST", f"{at_desk}/claim")
    assert (await operator.send("POST", f"{at_desk}/assign", {"staff_id": admin.staff_id})).status_code == 200
    changed = {"password": "another harbour lamp 8", "current_password": PASSWORD}
    await operator.send("PATCH", "/api/staff/me", changed)
    await operator.send("POST", "/api/staff/sign-out")
    await admin.send("DELETE", f"/api/sessions/{visitor.session_id}")
    made = (await admin.send("POST", f"/api/staff/accounts/{operator.staff_id}/reset-password")).json()["password"]
    refused = await operator.send("POST", f"{at_desk}/claim")
    assert refused.status_code == 401

    found = await actions(company)
    assert [(entry["actor"]["name"], entry["action"]) for entry in found] == [
        ("admin", "account.create"),
        ("root", "staff.sign_in"),
        ("admin", "account.create"),
        ("ada", "staff.sign_in"),
        ("root", "account.change"),
        ("root", "key.create"),
        ("root", "key.revoke"),
        ("root", "add_documents"),
        ("ada", "conversation.claim"),
        ("ada", "conversation.message"),
        ("ada", "conversation.resolve"),
        ("ada", "add_reply"),
        ("ada", "conversation.claim"),
        ("ada", "conversation.assign"),
        ("ada", "account.change_password"),
        ("ada", "staff.sign_out"),
        ("root", "delete_session"),
        ("root", "account.reset_password"),
    ]
    assert [entry["seq"] for entry in found] == list(range(1, len(found) + 1))
    assert found[4]["details"] == {"capacity": 9, "skills": ["billing"]}
    for secret in (PASSWORD, changed["password"], made, key["key"], admin.token, "A secret of the customer", "We ship tea"):
        assert str(secret) not in str(found)
    assert (await company.served.services.staff.verify_audit()).problem is None


async def test_it_is_read_in_pages_and_by_who_and_what(company: Company) -> None:
    admin = await company.hire("root@example.com", "admin")
    for number in range(5):
        await admin.send("POST", "/api/staff/keys", {"name": f"key {number}", "scopes": ["desk"]})
    seen: list[int] = []
    cursor: int | None = None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await company.served.http.get("/api/staff/audit", params=params, headers=STAFF)).json()
        seen += [entry["seq"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == list(range(7, 0, -1))
    assert len(await actions(company, actor=admin.staff_id)) == 6
    assert len(await actions(company, action="key.create")) == 5
    assert await actions(company, actor="staff_0", action="key.create") == []


async def test_what_is_rolled_back_was_not_done(company: Company) -> None:
    def fail(tx: Transaction) -> None:
        company.served.services.staff.audit.record(tx, Actor(StaffId("staff_x"), "x"), "test.fail")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await company.served.services.database.write(fail)
    assert await actions(company) == []
    assert (await company.served.services.staff.verify_audit()).problem is None


@asynccontextmanager
async def without_a_log(company: Company) -> AsyncIterator[None]:
    """Within the block nothing can be written down."""
    database = company.served.services.database
    await database.write(lambda tx: tx.execute(sa.text("ALTER TABLE audit_head RENAME TO elsewhere")))
    try:
        yield
    finally:
        await database.write(lambda tx: tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO audit_head")))


async def test_a_document_is_not_changed_unless_that_is_written_down(company: Company) -> None:
    http = company.served.http
    documents = "/api/knowledge/documents"
    added = await http.post(documents, json={"title": "Returns", "text": "Send it back."}, headers=STAFF)
    address = f"{documents}/{added.json()['documents'][0]['document_id']}"
    wishes: list[tuple[str, str, Any]] = [
        ("POST", documents, {"title": "More", "text": "Nothing was lost."}),
        ("PUT", address, {"text": "Keep it."}),
        ("PATCH", address, {"title": "Keeping"}),
        ("POST", f"{address}/disable", None),
        ("DELETE", address, None),
    ]
    before = (await http.get(documents, headers=STAFF)).json()
    length = len(await actions(company))
    async with without_a_log(company):
        refused = [(await http.request(method, path, json=body, headers=STAFF)).status_code for method, path, body in wishes]
    assert all(status >= 500 for status in refused), refused
    assert (await http.get(documents, headers=STAFF)).json() == before
    done = [(await http.request(method, path, json=body, headers=STAFF)).status_code for method, path, body in wishes]
    assert done == [200] * 5
    # The same once more changes nothing but the log: somebody asked for it.
    assert (await http.request(*wishes[0][:2], json=wishes[0][2], headers=STAFF)).json()["unchanged"] == 1
    assert [entry["action"] for entry in (await actions(company))[length:]] == [
        *("add_documents", "replace_document", "edit_document", "disable_document", "delete_document"),
        "add_documents",
    ]


async def test_nothing_that_staff_do_is_done_unless_that_is_written_down(tmp_path: Path, database_url: str) -> None:
    # Nobody begins a job here: it stays as it was asked for.
    settings = settings_in(tmp_path, database_url=database_url, secret_key="s" * 40, jobs_concurrency=0)
    async with serving(settings) as served, company_at(served) as company:
        visitor, gone = await served.visitor(), await served.visitor()

        async def ask(method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
            return await served.http.request(method, path, json=body, headers={**STAFF, **headers})

        async def everything() -> list[Any]:
            lists = ("/api/jobs", "/api/knowledge/schedules", "/api/desk/replies", "/api/sessions")
            return [(await ask("GET", path)).json() for path in lists]

        tea, page = {"title": "Tea", "text": "We ship tea."}, {"fetch": "https://help.example.com/", "every_hours": 24}
        reply = {"shortcut": "tea", "title": "Tea", "text": "We ship tea."}
        queued, later = "/api/knowledge/documents", {"Prefer": "respond-async"}
        job_id = (await ask("POST", queued, tea, **later)).json()["job_id"]
        schedule_id = (await ask("POST", "/api/knowledge/schedules", page)).json()["schedule_id"]
        reply_id = (await ask("POST", "/api/desk/replies", reply)).json()["reply_id"]
        before, length = await everything(), len(await actions(company))
        wishes: list[tuple[str, str, Any]] = [
            ("POST", queued, tea),
            ("POST", queued, {"fetch": page["fetch"]}),
            ("POST", f"/api/jobs/{job_id}/cancel", None),
            ("POST", "/api/knowledge/schedules", {**page, "every_hours": 48}),
            ("DELETE", f"/api/knowledge/schedules/{schedule_id}", None),
            ("POST", "/api/desk/replies", {**reply, "shortcut": "coffee"}),
            ("PUT", f"/api/desk/replies/{reply_id}", {**reply, "title": "Green tea"}),
            ("DELETE", f"/api/desk/replies/{reply_id}", None),
            ("PATCH", f"/api/sessions/{visitor.session_id}/status", {"status": "ended"}),
            ("DELETE", f"/api/sessions/{gone.session_id}", None),
        ]
        async with without_a_log(company):
            refused = [(await ask(*wish, **later)).status_code for wish in wishes]
        assert all(status >= 500 for status in refused), refused
        assert await everything() == before
        done = [(await ask(*wish, **later)).status_code for wish in wishes]
        assert done == [202, 202, 200, 201, 200, 201, 200, 204, 200, 200]
        assert [entry["action"] for entry in (await actions(company))[length:]] == [
            *("add_documents", "add_documents", "cancel_job", "put_schedule", "delete_schedule"),
            *("add_reply", "replace_reply", "delete_reply", "change_status", "delete_session"),
        ]
        # What a customer does is no act of staff.
        assert (await served.http.delete(f"/api/sessions/{visitor.session_id}", headers=visitor.headers)).status_code == 200
        assert len(await actions(company)) == length + len(wishes)


async def test_every_one_of_200_edits_is_found(company: Company) -> None:
    services, chance = company.served.services, random.Random(7)

    def fill(tx: Transaction) -> None:
        for number in range(40):
            actor = Actor(StaffId(f"staff_{number % 3}"), f"person {number % 3}")
            services.staff.audit.record(tx, actor, "test.act", target=f"t{number}", details={"n": number})

    await services.database.write(fill)
    assert (await services.staff.verify_audit()).problem is None
    unnoticed = []
    for number in range(EDITS):
        edit = chance.choice(TAMPERINGS)
        kept = await services.database.read(contents)
        await services.database.write(lambda tx, edit=edit: edit(tx, chance))
        assert await services.database.read(contents) != kept, edit.__name__
        if (await services.staff.verify_audit()).problem is None:
            unnoticed.append((number, edit.__name__))
        await services.database.write(lambda tx, kept=kept: put_back(tx, kept))
        assert (await services.staff.verify_audit()).problem is None
    assert unnoticed == []


async def test_another_installation_s_key_verifies_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with serving(settings) as served, company_at(served) as company:
        await company.key("desk")
    (tmp_path / "staff_secret").write_bytes(b"of another installation")
    async with serving(settings) as served:
        finding = await served.services.staff.verify_audit()
        assert finding.problem is not None
        assert "key" in finding.problem


async def test_a_secret_key_that_is_set_later_leaves_the_log_whole(tmp_path: Path) -> None:
    async with serving(settings_in(tmp_path)) as served, company_at(served) as company:
        await company.key("desk")
    async with serving(settings_in(tmp_path, secret_key="s" * 40)) as served, company_at(served) as company:
        await company.key("desk")
        assert (await served.services.staff.verify_audit()).problem is None


def _row(chance: random.Random) -> Any:
    return audit_entries.c.seq == chance.randrange(1, 41)


def change_text(tx: Transaction, chance: random.Random) -> None:
    column = chance.choice(["actor_id", "actor_name", "action", "target"])
    tx.execute(sa.update(audit_entries).where(_row(chance)).values({column: "somebody else"}))


def change_details(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.update(audit_entries).where(_row(chance)).values(details=chance.choice(['{"n":99}', "{}", "", '{"n":  1}'])))


def change_time(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.update(audit_entries).where(_row(chance)).values(at_ms=audit_entries.c.at_ms + chance.choice([-1, 1, 3_600_000])))


def change_code(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.update(audit_entries).where(_row(chance)).values(mac=f"{chance.randrange(1 << 256):064x}"))


def name_another_key(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.update(audit_entries).where(_row(chance)).values(key_id="000000000000"))


def take_out(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.delete(audit_entries).where(_row(chance)))


def cut_off(tx: Transaction, chance: random.Random) -> None:
    tx.execute(sa.delete(audit_entries).where(audit_entries.c.seq > chance.randrange(0, 40)))


def cut_off_and_say_so(tx: Transaction, chance: random.Random) -> None:
    left = chance.randrange(1, 40)
    mac = tx.execute(sa.select(audit_entries.c.mac).where(audit_entries.c.seq == left)).scalar_one()
    tx.execute(sa.delete(audit_entries).where(audit_entries.c.seq > left))
    tx.execute(sa.update(audit_heads).values(seq=left, mac=mac))


def cut_off_all(tx: Transaction, _chance: random.Random) -> None:
    tx.execute(sa.delete(audit_heads))


def change_places(tx: Transaction, chance: random.Random) -> None:
    one, other = chance.sample(range(1, 41), 2)
    for before, after in ((one, 1_000), (other, one), (1_000, other)):
        tx.execute(sa.update(audit_entries).where(audit_entries.c.seq == before).values(seq=after))


def close_the_gap(tx: Transaction, chance: random.Random) -> None:
    gone = chance.randrange(1, 40)
    tx.execute(sa.delete(audit_entries).where(audit_entries.c.seq == gone))
    for seq in range(gone + 1, 41):
        tx.execute(sa.update(audit_entries).where(audit_entries.c.seq == seq).values(seq=seq - 1))


def add_a_copy(tx: Transaction, chance: random.Random) -> None:
    row = tx.execute(sa.select(audit_entries).where(_row(chance))).one()
    tx.execute(sa.insert(audit_entries).values({**row._mapping, "seq": 41}))


TAMPERINGS: list[Callable[[Transaction, random.Random], None]] = [
    change_text,
    change_details,
    change_time,
    change_code,
    name_another_key,
    take_out,
    cut_off,
    cut_off_and_say_so,
    cut_off_all,
    change_places,
    close_the_gap,
    add_a_copy,
]

Contents = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def contents(connection: sa.Connection) -> Contents:
    entries = connection.execute(sa.select(audit_entries).order_by(audit_entries.c.seq))
    heads = connection.execute(sa.select(audit_heads))
    return [dict(row._mapping) for row in entries], [dict(row._mapping) for row in heads]


def put_back(tx: Transaction, kept: Contents) -> None:
    for table, rows in zip((audit_entries, audit_heads), kept, strict=True):
        tx.execute(sa.delete(table))
        if rows:
            tx.execute(sa.insert(table), rows)
