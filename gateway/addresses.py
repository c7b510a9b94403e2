"""Where an endpoint of the configuration can be reached from this machine, for the command line."""

from __future__ import annotations

import re

Address = tuple[str, int]

_COLON = re.compile(r"(?<!\\):")
_ANYWHERE = frozenset({"", "0.0.0.0", "::"})


def address_of(endpoint: str) -> Address | None:
    """Host and port of a Twisted endpoint, server or client; None unless it is plain TCP by number."""
    kind, *rest = (part.replace("\\:", ":") for part in _COLON.split(endpoint))
    named = dict(part.split("=", 1) for part in rest if "=" in part)
    plain = [part for part in rest if "=" not in part]
    port = named.get("port") or (plain[-1] if plain else "")
    if kind != "tcp" or not port.isdecimal():
        return None
    host = named.get("host") or (plain[0] if len(plain) > 1 else named.get("interface", ""))
    return "127.0.0.1" if host in _ANYWHERE else host, int(port)


def shown(address: Address) -> str:
    """As people write it: 127.0.0.1:2775, [::1]:2775."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
