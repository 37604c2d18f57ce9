"""`deskhand doctor`: looks at the installation, says what is wrong and what to do about it."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from deskhand.cli.doctor import checks
from deskhand.cli.doctor.checks import Finding, Verdict
from deskhand.cli.doctor.database import check_database
from deskhand.cli.doctor.settings_table import SettingRow, setting_rows
from deskhand.cli.terminal import output, print_json
from deskhand.errors import ConfigurationError
from deskhand.settings import Settings, load_settings
from deskhand.telemetry import LogTarget, configure_logging

_MARKS = {Verdict.OK: ("✓", "green"), Verdict.WARN: ("!", "yellow"), Verdict.FAIL: ("✗", "red")}


def command(
    settings_only: Annotated[bool, typer.Option("--settings", help="List every setting: what is allowed, its default, its value.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Check the installation and say what is wrong with it.

    Nothing is changed, and no secret is shown.

    \b
    Examples:
      deskhand doctor
      deskhand doctor --settings
      deskhand doctor --json | jq '.checks[] | select(.verdict != "ok")'

    Exit codes: 0 nothing fails (there may be warnings); 1 a check failed.
    """
    settings, problem = _read_settings()
    if settings_only:
        _show_settings(setting_rows(settings), as_json=as_json)
        if problem is not None:
            raise problem
        return
    findings = _look(settings, problem)
    if as_json:
        print_json({"verdict": _worst(findings).value, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if _worst(findings) is Verdict.FAIL:
        raise typer.Exit(1)


def _read_settings() -> tuple[Settings | None, ConfigurationError | None]:
    try:
        settings = load_settings()
        # What a log would tell of a part is a finding, and stands in its place.
        configure_logging(settings, target=LogTarget.REPORT)
    except ConfigurationError as error:
        return None, error
    return settings, None


def _look(settings: Settings | None, problem: ConfigurationError | None) -> list[Finding]:
    """All findings. Without settings, only what does not depend on them."""
    findings = [checks.check_python(), checks.check_packages()]
    if problem is not None:
        findings.append(checks.failed("Settings", problem))
    if settings is not None:
        findings.append(Finding("Settings", Verdict.OK, f"all are understood; environment: {settings.environment.value}"))
        findings += asyncio.run(_look_at_parts(settings))
    return [*findings, checks.check_embedding(), checks.check_pictures(), checks.check_pages()]


async def _look_at_parts(settings: Settings) -> list[Finding]:
    database, redis, model, port = await asyncio.gather(
        check_database(settings), checks.check_redis(settings), checks.check_model(settings), checks.check_port(settings)
    )
    return [checks.check_secrets(settings), checks.check_data_folder(settings), *database, *redis, model, port]


def _worst(findings: list[Finding]) -> Verdict:
    verdicts = {finding.verdict for finding in findings}
    return next(verdict for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.OK) if verdict in verdicts)


def _show(findings: list[Finding]) -> None:
    console = output()
    width = max(len(finding.name) for finding in findings) + 2
    for finding in findings:
        mark, colour = _MARKS[finding.verdict]
        line = Text.assemble((mark, colour), " ", (f"{finding.name:<{width}}", "bold"), finding.message)
        console.print(line)
        if finding.remedy is not None:
            console.print(Text.assemble(" " * (width + 2), ("→ ", colour), finding.remedy))
    counts = {verdict: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    console.print()
    if counts[Verdict.FAIL] == counts[Verdict.WARN] == 0:
        console.print("All is well.")
    else:
        console.print(f"{counts[Verdict.FAIL]} failed, {counts[Verdict.WARN]} to look at, {counts[Verdict.OK]} fine.")


def _show_settings(rows: list[SettingRow], *, as_json: bool) -> None:
    if as_json:
        print_json({"settings": [asdict(row) for row in rows]})
        return
    console = output()
    if not console.is_terminal:
        for row in rows:
            print(row.name, row.allowed, row.default, "?" if row.present is None else row.present, row.purpose, sep="\t")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Setting", "Now", "Default", "Allowed", "What it is for"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        present = Text("?" if row.present is None else row.present, style="bold" if row.changed else "")
        table.add_row(Text(row.name, style="cyan"), present, Text(row.default), Text(row.allowed), Text(row.purpose, style="dim"))
    console.print(table)
