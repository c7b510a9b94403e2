"""Writing at once: the octets go to the socket now, not when the reactor has come round to it."""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection


def writes_at_once(transport: Any) -> bool:
    """Whether a transport has a socket of its own, and no layer such as TLS between."""
    return isinstance(transport, Connection) and not transport.TLS


def write_at_once(transport: Any, octets: bytes) -> None:
    """Write to such a transport. What its socket does not take now, or what is behind that, it keeps and
    writes later; a broken connection it notices then.
    """
    if transport.connected and not transport.dataBuffer and not transport._tempDataLen:
        sent = transport.writeSomeData(octets)
        if isinstance(sent, int):
            octets = octets[sent:]
    if octets:
        transport.write(octets)
