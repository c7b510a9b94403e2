"""The models of gateway.yaml: a node, its doors and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.settings.scalars import ConfigPath, Count, Duration, Flag, ServerEndpoint, Text, Timer


class Section(BaseModel):
    """A mapping in a file: its keys are known, its values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def nothing_is_empty(cls, value: Any) -> Any:
        """A section whose keys are all commented out is its defaults."""
        return {} if value is None else value


class Listener(Section):
    """Where clients bind."""

    endpoint: ServerEndpoint
    """A Twisted server endpoint: `tcp:2775`, `ssl:3550:privateKey=key.pem:certKey=cert.pem`, or either behind
    a PROXY protocol balancer as `haproxy:tcp:2775`."""


class Timers(Section):
    """How long the gateway waits for its clients. A client's octets, of whatever PDU, prove that it lives."""

    session_init: Timer = 10.0
    """From the connection to a successful bind."""
    enquire_link: Timer = 30.0
    """Silence after which an enquire_link is sent."""
    inactivity: Timer | None = None
    """Without any request but enquire_link for so long, a session is unbound; null never unbinds it."""
    response: Timer = 60.0
    """From a request to its response."""
    partial_pdu: Timer = 10.0
    """From the first octet of a PDU to its last."""


class Limits(Section):
    """What one peer, or all together, may ask of this node."""

    max_pdu: Annotated[int, Field(strict=True, ge=512, le=1_000_000)] = 70_000
    """The longest PDU, in octets, from a bound client."""
    max_pdu_unbound: Annotated[int, Field(strict=True, ge=98, le=70_000)] = 512
    """The longest PDU before the bind; the longest legal bind has 98 octets."""
    connections: Count = 2000
    """Connections at the same time, bound or not."""
    bind_failures: Count = 5
    """Failed binds in a row from one address before it is locked out."""
    bind_lockout: Timer = 30.0
    """How long an address is locked out; each further failure lasts twice as long, up to 16 times."""


class Retention(Section):
    """How long each class of record is kept."""

    bodies: Duration = 7 * 86400.0
    """The text of messages that are finished."""
    messages: Duration = 180 * 86400.0
    """What became of each message, without its text."""
    outbox: Duration = 7 * 86400.0
    """Receipts and replies that wait for a client to bind."""
    strays: Duration = 7 * 86400.0
    """Receipts of carriers that match no message."""


class Logs(Section):
    """What is written to standard error."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""
    level: Literal["debug", "info", "warn", "error", "critical"] = "info"
    """The least important event that is still written."""
    per_message: Flag = False
    """A line for every message; numbers are masked, bodies are never written."""


class Multipart(Section):
    """How the segments of long messages are gathered to be judged as one text."""

    timeout: Timer = 300.0
    """How long the segments that came wait for those missing."""
    groups_per_account: Count = 1000
    """Unfinished long messages that one account may have; the oldest is refused when there is one more."""
    octets_per_account: Count = 16_777_216
    """Octets that all their segments together may hold, likewise."""


class Backlog(Section):
    """Messages accepted and not yet with a carrier."""

    memory: Count = 50_000
    """How many are held in memory; the rest waits in the store."""


class Node(Section):
    """gateway.yaml: this node, its doors and its limits."""

    name: Text = "node"
    """How this node calls itself in logs, in metrics and as system_id towards its clients."""
    state: ConfigPath = Path("../state")
    """The directory of all state, relative to the configuration."""
    store: Text | None = None
    """The URL of the store, such as `postgresql+psycopg://gateway:${PGPASSWORD}@db/gateway`; null is SQLite
    in the state directory."""
    listeners: tuple[Listener, ...] = (Listener(endpoint="tcp:2775:interface=127.0.0.1"),)
    """Where clients bind."""
    control: ServerEndpoint | None = "tcp:2780:interface=127.0.0.1"
    """Where metrics, health and the commands of the administrator are answered; keep it from strangers."""
    watch: Flag = False
    """Whether the configuration is read anew when one of its files changes; else `gateway reload` does it."""
    timers: Timers = Timers()
    limits: Limits = Limits()
    retention: Retention = Retention()
    logs: Logs = Logs()
    multipart: Multipart = Multipart()
    backlog: Backlog = Backlog()
