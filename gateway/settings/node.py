"""The models of gateway.yaml: a node, its doors and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.settings.scalars import ConfigPath, Count, Duration, Flag, FreeText, ServerEndpoint, Text, Timer
from gateway.settings.secrets import Secret, StoreKeys


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
    cases: Duration = 180 * 86400.0
    """Replies that a person had to see to, once their case is closed."""
    calls: Duration = 30 * 86400.0
    """Calls of webhooks and mails that were given up. While there is a legal hold they all stay."""
    consents: Duration = 1827 * 86400.0
    """Lines of the consent ledgers that gave a consent, once it is over; longer where the pack of the country
    asks for that. What took a consent back stays.
    """
    audit: Duration = 1827 * 86400.0
    """Records of acts, but for those by which messages and ledgers are verified. While there is a legal hold
    they all stay.
    """
    lifted: Duration = 1827 * 86400.0
    """Entries that were taken off their lists: until then it can be told whether somebody could be written to
    on a day of the past. While there is a legal hold they all stay.
    """


class Encryption(Section):
    """How numbers and texts stand on disk: AES-256-GCM, by keys that are not in the database. May be written
    as `encryption: off`.
    """

    mode: Literal["on", "off"] = "on"
    """`off` stores them as they are; what is encrypted already stays readable by its keys."""
    file: ConfigPath | None = None
    """The file of the keys, made with mode 600 at the first start. null is beside the state directory, under
    its name with `.keys`."""
    keys: StoreKeys | None = None
    """The keys themselves, as `${NAME}` or `${file:PATH}`, instead of a file that the gateway makes:
    `search:BASE64 1:BASE64 2:BASE64 …`, of 32 octets each."""

    @model_validator(mode="before")
    @classmethod
    def one_word(cls, value: Any) -> Any:
        """`off` alone is its mode."""
        return {"mode": value} if isinstance(value, str) else value


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
    segments: Count = 40_000
    """Segments of unfinished long messages of all accounts together, some 3 KiB of memory each; the oldest
    message is refused when there is one more."""
    octets: Count = 33_554_432
    """Octets that they together may hold, likewise."""


class Backlog(Section):
    """Messages accepted and not yet with a carrier."""

    memory: Count = 50_000
    """How many are held in memory; the rest waits in the store."""


def mail_address(text: str) -> str:
    """As far as can be seen without sending to it."""
    local, _, domain = text.rpartition("@")
    if not (local and domain) or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"'{text}' is no mail address")
    return text


MailAddress = Annotated[Text, AfterValidator(mail_address)]


class Mail(Section):
    """The mail server that takes alarms, and for whom."""

    server: Text
    """Its name or address."""
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` begins in the clear and must become TLS, `tls` is TLS from the start (usually port 465),
    `none` is for a server on this machine."""
    user: FreeText = ""
    """How the gateway logs in; empty: it does not."""
    password: Secret | None = None
    """From `${NAME}` or `${file:PATH}`."""
    sender: MailAddress
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    timeout: Timer = 30.0
    """How long one step of the conversation may last."""
    give_up: Timer = 86400.0
    """A mail that the server did not take for so long is given up."""

    @model_validator(mode="after")
    def a_password_is_not_sent_in_the_clear(self) -> Self:
        if self.user and self.password is None:
            raise ValueError("a user needs a password")
        if self.user and self.tls == "none":
            raise ValueError("a password is not sent without TLS: set tls to starttls or tls")
        return self


class Alarms(Section):
    """What a person has to see to. Webhooks with the event `alarm` are told too."""

    mail: Mail | None = None
    """Who gets mail; null: nobody."""
    pause: Timer = 60.0
    """The least time between two mails, and between two calls of a webhook: what begins and ends meanwhile is
    told together."""
    remind: Duration = 86400.0
    """Alarms that are still open are told again after so long; 0: never."""
    carrier_down: Timer = 300.0
    """A carrier without any bind for so long raises an alarm."""
    store_failing: Duration = 5.0
    """So does a store that cannot be written for so long."""
    webhook_down: Timer = 900.0
    """So does a webhook that nobody answers for so long."""


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
    encryption: Encryption = Encryption()
    logs: Logs = Logs()
    multipart: Multipart = Multipart()
    backlog: Backlog = Backlog()
    alarms: Alarms = Alarms()
