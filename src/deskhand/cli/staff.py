"""`deskhand staff`: accounts of the people behind the desk, and the log of what they did, also while a server runs.

The invariant: a password that is made up is printed once, on standard output, and is nowhere else.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from deskhand.cli.terminal import by_whom, output, plain, print_json, print_table, remarks, shown, start_command
from deskhand.clock import SystemClock, to_iso
from deskhand.foundations import create_staff, open_database
from deskhand.ids import StaffId
from deskhand.roles import Role
from deskhand.staff import Account, AccountChange, Actor, NewAccount, StaffService
from deskhand.staff.errors import AccountNotFound

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Look after accounts and the audit log.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address that the person signs in with.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@group.command("create")
def create(
    email: Email,
    *,
    admin: Annotated[bool, typer.Option("--admin", help="An administrator: accounts, knowledge, settings.")] = False,
    name: Annotated[str | None, typer.Option(help="What customers and colleagues read.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")] = False,
) -> None:
    """Make an account. Without --password-stdin a password is made up and printed.

    \b
    Examples:
      deskhand staff create --admin ada@example.com
      deskhand staff create bob@example.com --name Bob
    """
    local, at, host = email.partition("@")
    if not (local and at and host) or any(character.isspace() for character in email):
        raise typer.BadParameter(f"{email!r} is no e-mail address.")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    new = NewAccount(email, name or local, Role.ADMIN if admin else Role.OPERATOR, password=password)
    account, made = _run(lambda staff: staff.accounts.create(new, by=_actor()))
    remarks().print(f"{plain(account.email)} can sign in at /console, as {account.role.value}.")
    if made is not None:
        _print_password(made)


@group.command("list")
def list_accounts(*, as_json: Json = False) -> None:
    """List the accounts, by name."""
    accounts = _run(lambda staff: staff.accounts.list())
    if as_json:
        print_json([_as_json(account) for account in accounts])
        return
    rows = [
        (
            account.id,
            plain(account.email),
            plain(account.name),
            account.role.value,
            "disabled" if account.is_disabled else "codes" if account.totp_enabled else "password",
            shown(account.last_sign_in_at) if account.last_sign_in_at is not None else "never",
        )
        for account in accounts
    ]
    print_table(("ID", "E-mail", "Name", "Role", "Signs in with", "Last (UTC)"), rows, console=output())


@group.command("reset-password")
def reset_password(
    email: Email,
    *,
    without_totp: Annotated[bool, typer.Option("--without-totp", help="Switch codes off, too, for a lost device.")] = False,
) -> None:
    """Make a new password for somebody and print it. They are signed out everywhere within a minute."""

    async def reset(staff: StaffService) -> str:
        account = await _account(staff, email)
        return await staff.accounts.reset_password(account.id, by=_actor(), without_totp=without_totp)

    _print_password(_run(reset))


@group.command("disable")
def disable(email: Email) -> None:
    """Let somebody sign in no more. They are signed out everywhere within a minute."""
    _change(email, AccountChange(disabled=True))
    remarks().print(f"{plain(email)} cannot sign in any more.")


@group.command("enable")
def enable(email: Email) -> None:
    """Let somebody sign in again."""
    _change(email, AccountChange(disabled=False))
    remarks().print(f"{plain(email)} can sign in again.")


@group.command("audit")
def audit(
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Say whether the log is as it was written.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what was done, the newest first; or check that nobody changed the log.

    Exit codes: 0 it is whole; 1 it is not.
    """
    if verify:
        _verify()
        return
    entries = _run(lambda staff: staff.list_audit(before=None, actor=None, action=None, limit=limit))
    if as_json:
        print_json(
            [
                {
                    "seq": entry.seq,
                    "at": to_iso(entry.at_ms / 1000),
                    "actor": {"staff_id": entry.actor.id, "name": entry.actor.name},
                    "action": entry.action,
                    "target": entry.target,
                    "details": entry.details,
                }
                for entry in entries
            ]
        )
        return
    rows = [(str(entry.seq), shown(entry.at_ms / 1000), plain(entry.actor.name), entry.action, plain(entry.target)) for entry in entries]
    print_table(("No.", "When (UTC)", "Who", "What", "To"), rows, console=output())


def _verify() -> None:
    finding = _run(lambda staff: staff.verify_audit())
    if finding.problem is not None:
        remarks().print(f"The audit log is not as it was written: entry {finding.seq}: {finding.problem}.")
        raise typer.Exit(1)
    output().print(f"The audit log is whole: {finding.seq} entries. Its newest code is {finding.mac}.")


def _run(work: Callable[[StaffService], Awaitable[T]]) -> T:
    """Do `work` on the accounts of the settings. Raises what it raises, and ConfigurationError."""
    settings = start_command()

    async def opened() -> T:
        clock = SystemClock()
        database = await open_database(settings, clock)
        try:
            return await work(create_staff(settings, database, clock))
        finally:
            await database.close()

    return asyncio.run(opened())


def _change(email: str, change: AccountChange) -> None:
    async def apply(staff: StaffService) -> None:
        await staff.accounts.change((await _account(staff, email)).id, change, by=_actor())

    _run(apply)


async def _account(staff: StaffService, email: str) -> Account:
    account = await staff.accounts.find_by_email(email)
    if account is None:
        raise AccountNotFound(f"There is no account for {email}.", support="'deskhand staff list' shows them all.")
    return account


def _actor() -> Actor:
    return Actor(StaffId("staff_command"), by_whom())


def _print_password(password: str) -> None:
    remarks().print("The password, which is shown this once:")
    print(password)


def _as_json(account: Account) -> dict[str, object]:
    return {
        "staff_id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role.value,
        "totp_enabled": account.totp_enabled,
        "disabled": account.is_disabled,
        "created_at": to_iso(account.created_at),
        "last_sign_in_at": None if account.last_sign_in_at is None else to_iso(account.last_sign_in_at),
    }
