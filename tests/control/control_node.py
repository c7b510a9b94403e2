"""What the tests of the control endpoint share."""

from __future__ import annotations

import http.client
import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.app import Gateway

FILES = {
    "gateway.yaml": """
name: here
state: ../state
listeners: [{endpoint: "tcp:0:interface=127.0.0.1"}]
control: tcp:0:interface=127.0.0.1
""",
    "accounts.yaml": "accounts: {bank: {tenant: Bank, password: '${SECRET}'}}\n",
    "carriers.yaml": """
carriers:
  alpha:
    binds: [{endpoint: "tcp:127.0.0.1:1"}]
    system_id: gateway
    password: ${SECRET}
""",
    "routing.yaml": "routes: [{name: default, carriers: [alpha]}]\n",
}


class ControlNode:
    """A node and its endpoint."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    @property
    def port(self) -> int:
        """Where its control endpoint listens."""
        port: int = self.gateway.ports[-1].getHost().port
        return port

    def ask(self, path: str, method: str = "GET") -> Deferred[tuple[int, str, str]]:
        """(status, content type, body) of a request."""

        def request() -> tuple[int, str, str]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                return answer.status, answer.headers["content-type"], answer.read().decode()
            finally:
                connection.close()

        return deferToThread(request)

    async def document(self, path: str, method: str = "GET") -> tuple[int, Any]:
        """(status, decoded JSON) of a request."""
        code, _, body = await self.ask(path, method)
        return code, json.loads(body)
