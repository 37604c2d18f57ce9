"""What is looked at in an installation: each check says what it found and, where that is bad, what to do about it.

The invariant: looking changes nothing. No file, table or document is made that was not there, and no secret is shown.
"""

import asyncio
import errno
import importlib.metadata
import os
import re
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from deskhand.cli.running import find_server
from deskhand.clock import SystemClock
from deskhand.errors import DeskhandError
from deskhand.knowledge.embedding import DIMENSIONS, MODEL, Embedder
from deskhand.knowledge.parse import OCR_ADVICE, READS_PICTURES
from deskhand.models.factory import create_configured_model
from deskhand.redis_link import RedisLinks
from deskhand.settings import Environment, Settings
from deskhand.staff.secret_file import ADMIN_KEY_FILE

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE_BYTES = 500_000_000
_LIMIT_SECONDS = 5.0


class Verdict(StrEnum):
    """`WARN`: it works, but not as it should. `FAIL`: something that was asked for does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; None when nothing has to be done."""

    name: str
    verdict: Verdict
    message: str
    remedy: str | None = None


def failed(name: str, error: DeskhandError) -> Finding:
    return Finding(name, Verdict.FAIL, error.message, error.remedy)


def check_python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(str(part) for part in _OLDEST_PYTHON)
        return Finding(
            "Python", Verdict.FAIL, f"{version} is too old.", f"Install Deskhand into an environment of Python {oldest} or newer."
        )
    return Finding("Python", Verdict.OK, f"{version} on {sys.platform}")


def check_packages() -> Finding:
    """Whether what Deskhand's own metadata asks for is installed, in a version that it takes."""
    try:
        wanted = [line for line in importlib.metadata.requires("deskhand") or [] if "extra ==" not in line]
    except importlib.metadata.PackageNotFoundError:
        return Finding("Packages", Verdict.WARN, "Deskhand itself is not installed, so its needs are not known.", "Install its wheel.")
    problems = [problem for line in wanted if (problem := _problem_with(line)) is not None]
    if problems:
        return Finding(
            "Packages", Verdict.FAIL, f"{'; '.join(problems)}.", "Install Deskhand again: pip install --force-reinstall deskhand-*.whl"
        )
    return Finding("Packages", Verdict.OK, f"all {len(wanted)} that are needed")


def _problem_with(requirement: str) -> str | None:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    try:
        installed = importlib.metadata.version(name[0])
    except importlib.metadata.PackageNotFoundError:
        return f"{name[0]} is missing"
    least = re.search(r">=([0-9.]+)", requirement)
    if least is not None and _numbers(installed) < _numbers(least[1]):
        return f"{name[0]} is {installed}, older than {least[1]}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


def check_data_folder(settings: Settings) -> Finding:
    """Whether files can be made there. For a folder that does not exist yet, whether it can be made."""
    name, folder = "Data folder", settings.data_dir.absolute()
    remedy = "Choose a folder that this user may write to with DESKHAND_DATA_DIR, or change its owner."
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return Finding(name, Verdict.FAIL, f"{existing} is a file, not a folder.", remedy)
    try:
        # Asking for permissions is not enough: a read-only disk grants them all.
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(name, Verdict.FAIL, f"{existing} cannot be written: {error.strerror}.", remedy)
    space = f"{free / 1e9:.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return Finding(name, Verdict.WARN, f"{folder} has only {space}.", "Free some space: a full disk stops new messages.")
    return Finding(name, Verdict.OK, f"{folder}, {space}" + ("" if folder.exists() else "; made at the first start"))


async def check_redis(settings: Settings) -> list[Finding]:
    """The Redis servers that are named in the settings; none when there are none."""
    urls = {
        "Redis for the cache": settings.cache_redis_url or settings.redis_url,
        "Redis for sessions": settings.session_redis_url or settings.redis_url,
    }
    if all(url is None for url in urls.values()):
        return [Finding("Redis", Verdict.OK, "not used; cache and sessions are kept in memory")]
    return [
        await _check_redis(name, url.get_secret_value(), ca_file=settings.redis_ca_file) for name, url in urls.items() if url is not None
    ]


async def _check_redis(name: str, url: str, *, ca_file: Path | None) -> Finding:
    from deskhand.redis_link.errors import RedisUnavailable  # noqa: PLC0415 - brings redis-py, which most installations do without

    links = RedisLinks(clock=SystemClock(), ca_file=ca_file)
    try:
        link = links.get(url)
    except DeskhandError as error:
        return failed(name, error)
    try:
        await link.check()
    except RedisUnavailable as error:
        problem, cure = "does not answer", "Start it, or correct the address"
        if error.wants_another_password:
            problem, cure = "does not accept this user and password", "Correct them in the address"
        return Finding(name, Verdict.WARN, f"{link.address.shown} {problem}.", f"{cure}. Until then Deskhand works without, and slower.")
    finally:
        await links.close()
    return Finding(name, Verdict.OK, f"{link.address.shown} answers")


async def check_model(settings: Settings) -> Finding:
    name = "Model"
    try:
        model = create_configured_model(settings)
    except DeskhandError as error:
        return failed(name, error)
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            await model.check()
    except TimeoutError:
        return Finding(name, Verdict.FAIL, f"{model.name} did not answer within {_LIMIT_SECONDS:.0f} s.", "Check DESKHAND_MODEL_BASE_URL.")
    except DeskhandError as error:
        return Finding(name, Verdict.FAIL, f"{model.name}: {error.message}", error.remedy)
    finally:
        await model.close()
    if settings.model == "quoting":
        return Finding(name, Verdict.OK, "quoting: answers with sentences of the documents, and needs no server")
    return Finding(name, Verdict.OK, f"{model.name} answers")


def check_embedding() -> Finding:
    """Load the embedding model and use it once: a damaged file shows only then."""
    name = "Embedding model"
    try:
        vectors = Embedder(threads=1).embed(["How do I reset my password?", "Where can I change my passphrase?"])
    except DeskhandError as error:
        return failed(name, error)
    likeness = float(vectors[0] @ vectors[1])
    if vectors.shape != (2, DIMENSIONS) or not 0.4 < likeness < 1:
        remedy = "Install Deskhand again, or run 'make model' in a source tree."
        return Finding(name, Verdict.FAIL, f"{MODEL} is damaged: two questions that mean the same are {likeness:.2f} alike.", remedy)
    return Finding(name, Verdict.OK, f"{MODEL}, {DIMENSIONS} dimensions, works")


def check_pictures() -> Finding:
    """Whether words in pictures are read: that is an extra, so its absence is no fault."""
    name = "Pictures"
    if not READS_PICTURES:
        return Finding(name, Verdict.OK, "words in scans and images are not read", OCR_ADVICE)
    return Finding(name, Verdict.OK, f"words in scans and images are read, by RapidOCR {importlib.metadata.version('rapidocr')}")


def check_pages() -> Finding:
    from deskhand.api.routers.pages import FOLDER  # noqa: PLC0415 - brings FastAPI

    if (FOLDER / "chat.html").is_file():
        return Finding("Pages", Verdict.OK, "the chat page is built")
    return Finding(
        "Pages", Verdict.WARN, "The chat page is not built; the API works without.", "Run 'make pages', or install the released wheel."
    )


async def check_port(settings: Settings) -> Finding:
    name, address = "Port", f"{settings.api_host}:{settings.api_port}"
    if settings.api_port == 0:
        return Finding(name, Verdict.OK, "any free one is taken at start")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(settings.api_host, settings.api_port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except socket.gaierror:
        return Finding(name, Verdict.FAIL, f"{settings.api_host!r} is not an address of this machine.", "Correct DESKHAND_API_HOST.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE and (server := await find_server(settings)) is not None:
            return Finding(name, Verdict.OK, f"{address} is served by {server.name} {server.version}, which is running")
        reason = os.strerror(error.errno or 0)
        return Finding(name, Verdict.FAIL, f"{address} cannot be listened on: {reason}.", "Choose another port with DESKHAND_API_PORT.")
    return Finding(name, Verdict.OK, f"{address} is free")


def check_secrets(settings: Settings) -> Finding:
    """In production the settings themselves insist on secrets; here is what else can be wrong with them."""
    name = "Secrets"
    key_file = settings.data_dir / ADMIN_KEY_FILE
    if settings.admin_api_key is None and key_file.is_file() and key_file.stat().st_mode & 0o077:
        return Finding(name, Verdict.WARN, f"{key_file} can be read by other users.", f"chmod 600 {key_file}")
    if settings.environment is Environment.PRODUCTION:
        return Finding(name, Verdict.OK, "all that production needs are set")
    if settings.admin_api_key is None:
        return Finding(name, Verdict.OK, f"the staff key is made at the first start and kept in {key_file}")
    return Finding(name, Verdict.OK, "the staff key is set")
