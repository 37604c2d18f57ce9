"""The distribution's own Chromium, for the tests of the pages. `make browser` installs it where it may."""

import os
import shutil
from pathlib import Path

import pytest

from parts.missing import part_missing

_COMMANDS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_MACOS_APPLICATIONS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)


def _find_chromium() -> Path | None:
    named = os.environ.get("DESKHAND_TEST_CHROMIUM")
    if named is not None:
        return Path(named)
    for command in _COMMANDS:
        found = shutil.which(command)
        if found is not None:
            return Path(found)
    return next((application for application in _MACOS_APPLICATIONS if application.is_file()), None)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The program, for Playwright's `executable_path`."""
    found = _find_chromium()
    if found is None:
        part_missing("Chromium", "Install your distribution's chromium package, or name the program in DESKHAND_TEST_CHROMIUM.")
    return found


@pytest.fixture(scope="session")
def chromium_arguments() -> tuple[str, ...]:
    """Flags that keep it quiet and at home: no name but localhost resolves, and nothing is fetched in the background."""
    flags = (
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--disable-domain-reliability",
        "--disable-gpu",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        "--no-default-browser-check",
        "--no-first-run",
        "--no-pings",
    )
    # Chromium's sandbox refuses to run as root.
    return (*flags, "--no-sandbox") if os.geteuid() == 0 else flags
