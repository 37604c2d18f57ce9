"""Where a file of a Git repository can be read in a browser, for the sites that are known to show them. Pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

# host: what stands between the repository's address and the file's path.
_FORGES: Final = {
    "github.com": "/blob/{ref}/",
    "gitlab.com": "/-/blob/{ref}/",
    "bitbucket.org": "/src/{ref}/",
    "codeberg.org": "/src/branch/{ref}/",
}
_HTTP: Final = re.compile(r"https?://(?:[^/@]*@)?(?P<host>[^/:@]+)(?::\d+)?/(?P<path>[^?#]+)\Z")
_SSH: Final = re.compile(r"(?:ssh://)?[\w.-]+@(?P<host>[^/:@]+)(?::\d+)?[:/](?P<path>[^?#]+)\Z")


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository that is shown on the web. `prefix` is the address of its files, with a slash at its end."""

    prefix: str

    def address_of(self, path: str) -> str:
        return self.prefix + quote(path)


def find_forge(remote: str, *, ref: str) -> Forge | None:
    """The forge that shows the branch `ref` of a remote; `None` if none is known there. Nothing is kept of a password in `remote`."""
    match = _HTTP.match(remote) or _SSH.match(remote)
    if match is None:
        return None
    host = match["host"].lower()
    between = _FORGES.get(host) or (_FORGES["gitlab.com"] if host.startswith("gitlab.") else None)
    if between is None:
        return None
    path = match["path"].strip("/").removesuffix(".git")
    return Forge(f"https://{host}/{quote(path)}{between.format(ref=quote(ref))}")
