"""The one secret of an installation that staff's keys are derived from: the setting, and a file in the data folder."""

import secrets

from deskhand.settings import Settings

FILE_NAME = "staff_secret"


def load_secrets(settings: Settings) -> list[bytes]:
    """The one for new things first: `DESKHAND_SECRET_KEY` where it is set, else that of the file, which is made if need be. A file that
    was there before the setting is still known, so what was made with it can still be read and verified.

    Raises:
        OSError: the file cannot be read or made.
    """
    path = settings.data_dir / FILE_NAME
    found = [] if settings.secret_key is None else [settings.secret_key.get_secret_value().encode()]
    try:
        return [*found, path.read_bytes().strip()]
    except FileNotFoundError:
        if found:
            return found
    made = secrets.token_urlsafe(32).encode()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(made + b"\n")
    return [made]
