"""What the command line makes of a trace: asked of the running node, told to people, kept as a capture."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from gateway import pcap
from gateway.addresses import address_of, shown
from gateway.asking import Unreachable, user
from gateway.settings.models import Node

PATIENCE = 15.0  # seconds beyond what was asked for

Document = dict[str, Any]


class Refused(Exception):
    """The node does not do what was asked."""


def watched(node: Node, asked: Document) -> Iterator[Document]:
    """What the running node tells, line by line. Raises Unreachable and Refused."""
    address = address_of(node.control) if node.control else None
    if address is None:
        raise Unreachable(f"gateway.yaml: control is {node.control!r}, which cannot be asked from here")
    connection = http.client.HTTPConnection(*address, timeout=float(asked["seconds"]) + PATIENCE)
    try:
        headers = {"x-operator": quote(user()), "content-type": "application/json"}
        connection.request("POST", "/trace", json.dumps(asked).encode(), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise Refused(str(dict(json.loads(answer.read())).get("problem", answer.status)))
        while line := answer.readline():
            yield dict(json.loads(line))
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unreachable(f"no gateway answers on {shown(address)}: is it running? ({reason})") from None
    except (http.client.HTTPException, ValueError):
        raise Unreachable(f"{shown(address)}: the trace was cut short") from None
    finally:
        connection.close()


def line(seen: Document) -> str:
    """One PDU for people."""
    at = datetime.fromtimestamp(seen["at"], UTC)
    side = next(kind for kind in ("account", "carrier") if kind in seen)
    name = seen[side] or "unbound"
    arrow = "->" if seen["came"] else "<-"
    pdu = dict(seen["pdu"])
    head = f"{pdu.pop('command')} {pdu.pop('sequence_number', '')}".rstrip()
    status = pdu.pop("command_status", "")
    fields = " ".join(f"{field}={_told(value)}" for field, value in pdu.items())
    where = f"{name}#{seen['link']} {arrow} gateway"
    return " ".join(
        part for part in (f"{at:%H:%M:%S}.{at.microsecond // 1000:03}", where, head, status, fields) if part
    )


def _told(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, int) else str(value)


class Capture:
    """A file of PDUs that only its owner reads. Raises OSError, also when it is there already."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._connections: dict[int, pcap.Connection] = {}
        pcap.begin(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, seen: Document) -> None:
        """Put a PDU into it."""
        octets = bytes.fromhex(seen["octets"])
        peer, here = pcap.End(*seen["peer"]), pcap.End(*seen["here"])
        client, server = (peer, here) if seen["server"] else (here, peer)
        connection = self._connections.get(seen["link"])
        if connection is None:
            connection = self._connections[seen["link"]] = pcap.Connection(seen["link"], client, server)
        connection.write(self._file, seen["at"], octets, from_client=seen["came"] == seen["server"])
        self._file.flush()
