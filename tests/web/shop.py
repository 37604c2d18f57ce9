"""A company's site, on an origin of its own, that has the widget on its pages: as hostile as sites are."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

HOSTILE_STYLES = (
    "* { all: unset !important; color: #ff00ff !important; font-size: 40px !important; direction: rtl !important; "
    "float: right !important; pointer-events: none !important; visibility: hidden !important; opacity: 0.1 !important; } "
    "html { font-size: 4px } deskhand-widget { display: none !important } .launcher, .panel, button { display: none !important }"
)


class Shop:
    """Serves one page, `/`. `script` are the attributes of the widget's element; `policy` is the page's security policy."""

    def __init__(self, port: int) -> None:
        self.address = f"http://localhost:{port}"
        self.desk = ""
        self.script = ""
        self.policy = ""
        self.styles = ""
        self.language = "en"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = ("text/css", shop.styles) if self.path == "/shop.css" else ("text/html", shop.page())
                self.send_response(200 if self.path in {"/", "/shop.css"} else 404)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                if shop.policy:
                    self.send_header("Content-Security-Policy", shop.policy)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="shop", daemon=True)

    def page(self) -> str:
        return (
            f'<!doctype html><html lang="{self.language}"><head><title>Shop</title><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="/shop.css"><script src="{self.desk}/widget.js" defer {self.script}></script></head>'
            '<body><main><h1>Kettles</h1><p>They boil.</p><a href="#more">More</a></main></body></html>'
        )

    def reset(self, desk: str) -> None:
        self.desk, self.script, self.policy, self.styles, self.language = desk, "", "", "", "en"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
