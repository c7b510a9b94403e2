"""Twisted's endpoint strings as coroutines."""

from __future__ import annotations

from typing import Any

from twisted.internet import endpoints
from twisted.internet.defer import Deferred

_serverFromString: Any = endpoints.serverFromString
_clientFromString: Any = endpoints.clientFromString


async def listen(reactor: Any, description: str, factory: Any) -> Any:
    """The port that listens as told. Raises what the endpoint does: ValueError, CannotListenError."""
    return await _serverFromString(reactor, description).listen(factory)


async def connect(reactor: Any, description: str, factory: Any) -> Any:
    """The protocol of a new connection. Raises what the endpoint does: ValueError, ConnectError."""
    return await _clientFromString(reactor, description).connect(factory)


def check_client(description: str) -> None:
    """Raises ValueError for what is no client endpoint, before anything is connected."""
    try:
        _clientFromString(None, description)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(
            f"{description!r} is no client endpoint such as tcp:127.0.0.1:2775 ({error})"
        ) from None


async def stop_listening(port: Any) -> None:
    """Close a port."""
    result = port.stopListening()
    if isinstance(result, Deferred):
        await result
