"""Pages of the control endpoint that are asked with a JSON object in the body."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.web.server import Request

from gateway.control.node import Node
from gateway.control.operator import OPERATOR
from gateway.control.site import Answer, Page, as_json

Asked = Callable[[dict[str, Any]], Coroutine[Any, Any, Answer]]


class Question(Page):
    """Answers a POST of JSON. It must say that it is JSON: no page of the web can make a browser send that
    here unasked.
    """

    def __init__(self, answer: Asked) -> None:
        Page.__init__(self)
        self._answer = answer

    def render_POST(self, request: Request) -> bytes | int:
        """Answer when the work is done; 415 and 400 for what is no JSON object."""
        if request.getHeader(b"content-type") != b"application/json":
            return _refused(request, 415, "application/json is wanted here")
        try:
            asked = json.loads(request.content.read() if request.content is not None else b"")
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return _refused(request, 400, "a JSON object is wanted here")
        return Page(post=lambda by: self._answer({**asked, OPERATOR: by})).render_POST(request)


def _refused(request: Request, code: int, why: str) -> bytes:
    code, kind, body = as_json(code, {"problems": [why]})
    request.setResponseCode(code)
    request.setHeader(b"content-type", kind.encode())
    return body


async def rollback(gateway: Node, asked: dict[str, Any]) -> Answer:
    """Put the texts of generation `number` in force again, under a new number: 200, 404 or 422."""
    number = asked.get("number")
    if not isinstance(number, int) or isinstance(number, bool):
        return as_json(400, {"problems": ["number is no whole number"]})
    problems = await gateway.rollback(number, asked.get(OPERATOR, "unknown"))
    if problems is None:
        return as_json(404, {"problems": [f"no generation {number} is kept"]})
    if problems:
        return as_json(422, {"problems": problems})
    return as_json(200, {"generation": gateway.generation.number})
