"""Write docs/settings.md from the settings themselves. With --check, only say whether it is current."""

import argparse
import sys
from pathlib import Path

from deskhand.cli.doctor.settings_table import SettingRow, setting_rows
from deskhand.settings import PREFIX, Settings, secret_names

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"
_HEAD = """# Settings

Every setting is an environment variable, or a line of the same form in a file `.env` in the folder Deskhand is started in. They are read
and checked once, at start: an unknown name or a value that is not allowed stops the start and says what is. An empty value counts as unset.

A secret can be in a file instead, as containers and systemd hand them over, and a variable of the environment says in which:
{files}.

`deskhand doctor --settings` shows this table with the values of your installation, secrets masked.

This file is written by `tools/write_settings_docs.py`, and a test fails when it is not current.

| Variable | What it is for | Allowed | Default |
| --- | --- | --- | --- |
"""


def render() -> str:
    files = ", ".join(f"`{PREFIX}{name.upper()}_FILE`" for name in secret_names(Settings))
    return _HEAD.format(files=files) + "".join(f"{_line(row)}\n" for row in setting_rows(None))


def _line(row: SettingRow) -> str:
    default = row.default if row.default == "unset" else f"`{_cell(row.default)}`"
    return f"| `{row.name}` | {_cell(row.purpose)} | {_cell(row.allowed)} | {default} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 when the file is not current")
    current = render()
    if not parser.parse_args().check:
        DOCUMENT.write_text(current, encoding="utf-8")
        return 0
    if DOCUMENT.is_file() and DOCUMENT.read_text(encoding="utf-8") == current:
        return 0
    print(f"{DOCUMENT.name} is not current: run 'python tools/write_settings_docs.py'.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
