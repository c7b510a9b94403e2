"""Who asks the control endpoint. The command line says the name of its user; nobody proves it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

OPERATOR = "operator"
"""The key that is added to what is asked, with the name of who asks."""


def operator_of(request: Any) -> str:
    """Who asks, by the header X-Operator."""
    return unquote(request.getHeader("x-operator") or "") or "unknown"
