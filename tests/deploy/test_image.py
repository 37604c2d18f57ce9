"""The Dockerfile. That its steps make something that runs, tests/package proves: the wheel, in an environment of locked requirements."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.files import ROOT, known_variables
from parts.missing import part_missing

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_linter_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        part_missing("hadolint", "Run `make dev`.")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_without_rights_and_is_asked_whether_it_lives() -> None:
    shipped = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", shipped, re.MULTILINE)
    assert shipped.index("USER ") < shipped.index("ENTRYPOINT")
    assert "HEALTHCHECK" in shipped
    assert "/health/live" in shipped
    assert "--require-hashes" in DOCKERFILE


def test_every_variable_that_it_sets_is_a_setting() -> None:
    assert set(re.findall(r"\b(DESKHAND_[A-Z_]+)=", DOCKERFILE)) <= known_variables()


def test_only_what_is_copied_goes_into_the_build() -> None:
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        copied |= {name.partition("/")[0] for name in line.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "requirements/run.txt", "tools/set_up_venv.sh", "web/package.json"])
def test_what_is_copied_is_there(name: str) -> None:
    assert (ROOT / name).is_file()
