"""What may be in the repository: files of one thing each, no attic, nothing that names a host or a folder of ours."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 500
# Written by a tool from the server's schema, and checked to be what the tool writes.
GENERATED = {Path("web/protocol/schema.d.ts")}
SOURCES = {".py", ".ts", ".tsx", ".css", ".js", ".mjs"}
ATTIC = re.compile(r"\.(bak\d*|orig|old|rej|tmp|swp|log|pyc|db|sqlite3?)$|~$|(^|/)\.env$|(^|/)\.DS_Store$")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        # Outside a clone, such as an unpacked archive, every file counts that is not built.
        return [
            file.relative_to(ROOT) for top in ("src", "tests", "tools", "web/src") for file in (ROOT / top).rglob("*") if file.is_file()
        ]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_a_file_holds_one_thing(tracked: list[Path]) -> None:
    written = [file for file in tracked if file.suffix in SOURCES and file not in GENERATED]
    long = {str(file): lines for file in written if (lines := len((ROOT / file).read_bytes().splitlines())) > MOST_LINES}
    assert long == {}


def test_git_is_no_attic(tracked: list[Path]) -> None:
    assert [str(file) for file in tracked if ATTIC.search(str(file))] == []


def test_locked_requirements_name_no_host() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "://" not in line, f"{file.name}: {line}"
            assert not line.startswith(("-i ", "--index-url", "--extra-index-url", "--find-links")), f"{file.name}: {line}"


def test_every_requirement_is_pinned_and_hashed() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#"))
        for requirement in re.split(r"\n(?=\S)", text.strip()):
            assert "==" in requirement, f"{file.name}: {requirement}"
            assert "--hash=sha256:" in requirement, f"{file.name}: {requirement}"


def test_the_web_lock_names_no_host() -> None:
    lock = ROOT / "web" / "package-lock.json"
    if lock.exists():
        assert '"resolved": "http' not in lock.read_text(encoding="utf-8")
