"""The OpenAPI document: it says what is true (RELIABILITY D1), and it is the one that the pages' types are made from."""

import asyncio
import json
import re
import socket
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from api.serving import ADMIN_KEY, serving, settings_in
from api.test_access import GRID
from deskhand.api import frames
from deskhand.api.fetching import Fetching
from deskhand.app import create_app
from deskhand.knowledge.fetch import AddressPolicy, SourceFetcher
from deskhand.models.quoting import QuotingModel
from deskhand.turns.events import SessionEvent

# 3,000 in all.
LEAST_CASES = {"conversations": 1_800, "documents": 1_200}
# A stream that does not end, and what needs a document that was fetched from somewhere.
UNREACHABLE = {"/api/sessions/{session_id}/events", "/api/knowledge/documents/{document_id}/sync"}
OF_ONE_STATE = ("/desk/", "/staff/", "/jobs", "/schedules/", "/identify", "/rating", "/feedback", "/attachments/")
# Sessions and documents apart: of two things that links begin at, a deterministic run makes only one. What was done to a document can be
# read after it was deleted, which the check of what is gone does not expect.
# Of each operation so many examples that there are LEAST_CASES, and that each link is followed.
SELECTIONS = {
    "conversations": ("--max-examples", "20", "--exclude-path-regex", "/(knowledge|desk)/"),
    "documents": ("--max-examples", "50", "--include-path-regex", "/knowledge/", "--exclude-checks", "use_after_free"),
}
CONFIG = Path(__file__).with_name("schemathesis.toml")


class NoNames(AbstractResolver):
    """There is no network, so no name is known."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        raise OSError(f"{host} is not known")

    async def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = create_app(settings_in(tmp_path_factory.mktemp("data"))).openapi()
    return found


@pytest.mark.parametrize(
    ("union", "members"),
    [("SessionEvent", SessionEvent), ("ClientFrame", frames.AnyClientFrame), ("ServerFrame", frames.AnyServerFrame)],
)
def test_every_event_and_frame_is_in_the_document(document: dict[str, Any], union: str, members: Any) -> None:
    schemas = document["components"]["schemas"]
    mapping = schemas[union]["discriminator"]["mapping"]
    assert mapping == {member.__struct_config__.tag: f"#/components/schemas/{member.__name__}" for member in get_args(members)}
    assert all(reference.rpartition("/")[2] in schemas for reference in mapping.values())


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))) <= known


def test_every_operation_says_who_may_call_it_and_which_errors_it_answers(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert "security" in operation, (method, path)
            assert {"429", "500"} <= set(operation["responses"]), (method, path)


def test_the_document_is_the_same_whatever_the_settings_of_another_application_are(tmp_path: Path, document: dict[str, Any]) -> None:
    create_app(settings_in(tmp_path, message_max_characters=5, upload_max_files=1)).openapi()
    assert create_app(settings_in(tmp_path)).openapi() == document


@pytest.mark.timeout(400)
@pytest.mark.parametrize("about", SELECTIONS)
async def test_three_thousand_cases_with_links_find_no_server_error_and_no_untruth(about: str, tmp_path: Path) -> None:
    async with (
        serving(settings_in(tmp_path), model=QuotingModel()) as served,
        SourceFetcher(AddressPolicy(), resolver=NoNames()) as fetcher,
    ):
        services = served.services
        # What is to be fetched time and again would be looked for by name.
        await services.job_worker.drain()
        served.app.state.services = replace(services, fetching=Fetching(services.settings, services.clock, fetcher=fetcher))
        described = tmp_path / "openapi.json"
        described.write_text(json.dumps(served.app.openapi()))
        cases = await run_cases(described, served.base_url, *SELECTIONS[about])
        logs = served.logs.getvalue()
    assert cases >= LEAST_CASES[about]
    reached = Counter(route_of(json.loads(line)["path"]) for line in logs.splitlines() if '"status":20' in line)
    # Each of the others fits one state of a conversation, an account or a job: tests of their own lead through them.
    theirs = {operation.path for operation in GRID if not any(part in operation.path for part in OF_ONE_STATE)}
    wanted = {path for path in theirs if ("/knowledge/" in path) == (about == "documents")}
    missed = {path for path in wanted if not reached[path]} - UNREACHABLE
    assert not missed, f"these were never reached by a request that was right: {reached}"
    assert "request_fault" not in logs


async def run_cases(described: Path, base_url: str, *selected: str) -> int:
    """How many cases were made. All of them must pass, and each link must have been followed."""
    # One worker: Python 3.11 may fail to parse in two threads at once (SystemError: AST constructor recursion depth mismatch).
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(described), "-u", base_url),
        *("--checks", "all", "--workers", "1", "--generation-deterministic", "--no-color", *selected),
        cwd=described.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out = (await program.communicate())[0].decode()
    assert program.returncode == 0, out[-20_000:].replace(ADMIN_KEY, "***")
    generated = re.search(r"(\d[\d,]*) generated", out)
    assert generated is not None
    assert re.search(r"API Links: +(\d+) covered / \1 selected", out), out
    return int(generated[1].replace(",", ""))


def route_of(path: str) -> str:
    return re.sub(r"doc_[0-9a-f]{24}", "{document_id}", re.sub(r"sess_[0-9a-f]{12}", "{session_id}", path))
