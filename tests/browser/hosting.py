"""Websites of others, into whose pages the forms are embedded."""

import contextlib
import http.server
import threading
from collections.abc import Iterator, Mapping

from playwright.sync_api import Page

HTML = {"Content-Type": "text/html; charset=utf-8"}


class Site:
    """A website at `localhost`, which is another site than the server's 127.0.0.1.

    Attributes:
        origin: Its origin.
    """

    def __init__(self, port: int) -> None:
        """Describe the site at this port; it has no page yet."""
        self.origin = f"http://localhost:{port}"
        self.pages: dict[str, tuple[bytes, Mapping[str, str]]] = {}

    def publish(self, path: str, text: str = "", headers: Mapping[str, str] = HTML) -> str:
        """Put a page there, and return its address."""
        self.pages[path] = text.encode(), headers
        return self.origin + path


class _Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        """Answer with a page, or 404."""
        body, headers = self.site.pages.get(self.path, (None, HTML))
        self.send_response(404 if body is None else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def hosting() -> Iterator[Site]:
    """Run a website on a free port."""
    handler = type("Handler", (_Handler,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.site = Site(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield handler.site
        finally:
            server.shutdown()
            thread.join()


def wait_until_kept(tab: Page) -> None:
    """Wait until the page around a frame keeps the address of its code step.

    A reload before the frame has told it, which takes milliseconds, begins the frame anew.
    """
    is_kept = "address => Object.values(sessionStorage).includes(address)"
    tab.wait_for_function(is_kept, arg=tab.frames[1].url)
