"""A web server in a thread that keeps the events it is told, for tests whose gateway is a process."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class HookServer:
    """Takes POSTs on a port of its own; `status` is its answer."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.signatures: list[str] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if hook.status == 200:
                    hook.events += json.loads(body)["events"]
                    hook.signatures.append(self.headers["webhook-signature"])
                self.send_response(hook.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/sms"

    def types(self) -> list[str]:
        """The types of the events so far, in order."""
        return [event["type"] for event in self.events]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
