"""What is in deploy/, as the tests read it."""

import functools
from pathlib import Path

from deskhand.settings import PREFIX, Settings, secret_names

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "deskhand"
# Longer than a server takes to end (`deskhand serve`).
STOP_SECONDS = 15


@functools.cache
def known_variables() -> frozenset[str]:
    """The names in the environment that Deskhand knows."""
    files = {f"{PREFIX}{name}_FILE".upper() for name in secret_names(Settings)}
    return frozenset({f"{PREFIX}{name}".upper() for name in Settings.model_fields} | files)
