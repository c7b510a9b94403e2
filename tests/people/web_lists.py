"""A web server on the loopback that serves what a test puts there, and can be made to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Handler = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """One request, given to the test's own function."""

    server: Web

    def do_GET(self) -> None:
        self._do(b"")

    def do_POST(self) -> None:
        self._do(self.rfile.read(int(self.headers["content-length"])))

    def _do(self, body: bytes) -> None:
        self.body = body
        self.server.asked.append((self.path, dict(self.headers.items()), body))
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have gone
            self.server.answer(self)

    def say(self, code: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        """A whole answer; `length` is what it pretends to have."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Web(ThreadingHTTPServer):
    """The server; `answer` may be changed at any time."""

    daemon_threads = True

    def __init__(self, answer: Handler) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path: str = "/list") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()
