"""The chat page, the console, the widget and their assets, as the web build left them in `api/pages`.

The invariant: only files that the build made are served, looked up by name and never by path; a page runs nothing but its own script.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request, Response

from deskhand.api.routing import Routes
from deskhand.api.services import Services, ServicesDep
from deskhand.errors import NotFound, PartDown

router = Routes(tags=["pages"], include_in_schema=False)

FOLDER = Path(__file__).parent.parent / "pages"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _CSP,
    "Cache-Control": "no-cache",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Any site may load the widget's files: they are the same for everybody and hold nothing of anybody. What the widget then asks the API is
# allowed to the sites of DESKHAND_CORS_ORIGINS alone.
_ANY_SITE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_ASSET_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", **_ANY_SITE}
# Their names stay and their content does not, and it must fit the server's.
_SCRIPT_HEADERS = {"Cache-Control": "no-cache", **_ANY_SITE}
# What the build leaves in the page for the server to fill in: where the API is.
_PREFIX_MARK = b'<meta name="deskhand-api-prefix" content="/api" />'
_TEXT = ("text/", "application/javascript", "application/json", "image/svg")
_WORTH_COMPRESSING_BYTES = 1_000
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)


class PagesMissing(PartDown):
    """The pages were not built."""

    code = "pages_missing"
    support = "Run 'make pages' in the source tree, or install the released wheel, which brings them."


@dataclass(frozen=True, slots=True)
class PageFile:
    content: bytes
    compressed: bytes | None
    content_type: str
    etag: str


@router.get("/chat")
async def show_chat(request: Request, services: ServicesDep) -> Response:
    return _serve_page("chat.html", request, services)


@router.get("/console")
async def show_console(request: Request, services: ServicesDep) -> Response:
    return _serve_page("console.html", request, services)


@router.get("/demo")
async def show_demo(request: Request, services: ServicesDep) -> Response:
    """A page of a shop that does not exist, with the widget on it."""
    page = _files(services.settings.api_prefix).get("demo.html")
    if page is None:
        raise PagesMissing("The demo page has not been built.")
    return _serve(page, request, _PAGE_HEADERS)


@router.get("/widget.js")
async def show_widget(request: Request, services: ServicesDep) -> Response:
    return _serve_script("widget.js", request, services)


@router.get("/widget-panel.js")
async def show_widget_panel(request: Request, services: ServicesDep) -> Response:
    return _serve_script("widget-panel.js", request, services)


def _serve_script(name: str, request: Request, services: Services) -> Response:
    script = _files(services.settings.api_prefix).get(name)
    if script is None:
        raise PagesMissing("The widget has not been built.")
    return _serve(script, request, _SCRIPT_HEADERS)


@router.get("/assets/{name}")
async def show_asset(name: str, request: Request, services: ServicesDep) -> Response:
    asset = _files(services.settings.api_prefix).get(f"assets/{name}")
    if asset is None:
        raise NotFound
    return _serve(asset, request, _ASSET_HEADERS)


@router.get("/favicon.ico")
async def show_icon(request: Request, services: ServicesDep) -> Response:
    icon = _files(services.settings.api_prefix).get("favicon.svg")
    if icon is None:
        raise NotFound
    return _serve(icon, request, _ASSET_HEADERS)


def _serve_page(name: str, request: Request, services: Services) -> Response:
    page = _files(services.settings.api_prefix).get(name)
    if page is None:
        raise PagesMissing(f"{name} has not been built.")
    return _serve(page, request, _PAGE_HEADERS)


def _serve(file: PageFile, request: Request, headers: dict[str, str]) -> Response:
    headers = {**headers, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if _has(file, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if file.compressed is not None and _TAKES_GZIP.search(request.headers.get("accept-encoding", "")):
        return Response(file.compressed, media_type=file.content_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.content_type, headers=headers)


def _has(file: PageFile, if_none_match: str) -> bool:
    """Whether who asks has this file already. Proxies that compress it once more make its tag a weak one."""
    return not {"*", file.etag}.isdisjoint(tag.strip().removeprefix("W/") for tag in if_none_match.split(","))


@cache
def _files(api_prefix: str) -> dict[str, PageFile]:
    """All files of the build by name; read once."""
    return {path.relative_to(FOLDER).as_posix(): _read(path, api_prefix) for path in sorted(FOLDER.rglob("*")) if path.is_file()}


def _read(path: Path, api_prefix: str) -> PageFile:
    content = path.read_bytes()
    if path.suffix == ".html":
        content = content.replace(_PREFIX_MARK, _PREFIX_MARK.replace(b'"/api"', f'"{api_prefix}"'.encode()))
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    small = len(content) < _WORTH_COMPRESSING_BYTES or not content_type.startswith(_TEXT)
    return PageFile(
        content=content,
        compressed=None if small else gzip.compress(content, mtime=0),
        content_type=content_type,
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )
