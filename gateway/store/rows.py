"""Values that cross the seam between the gateway and its store.

Rows are tuples of str, int, bytes and None, so that they can be marshalled to a writer in another process.
All times are int milliseconds of the unix epoch.
"""

from enum import IntEnum
from typing import NamedTuple

from gateway.smpp.enums import quick

Value = str | int | bytes | None
Row = tuple[Value, ...]
Frame = list[tuple[str, Row]]
"""One batch of changes in order: (name of a statement, its row). Plain values only, marshal takes it."""


class StoreUnavailable(Exception):
    """The database cannot write now (disk full, connection lost, stopping); nothing was stored."""


class ChangeRefused(Exception):
    """The database works but will not take this batch (a key used twice, a value it cannot hold)."""


class StoreLocked(StoreUnavailable):
    """Another process has this state open."""


def brief(error: Exception) -> str:
    """The first line of a driver's words: what else there is quotes rows, and so numbers of people."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


@quick
class State(IntEnum):
    """Where a message is. Final states are 10 + message_state of SMPP 3.4 section 5.2.28."""

    WAITING = 1
    GATHERING = 2  # a segment whose siblings are not in yet
    DEFERRED = 3
    HELD = 4
    SENDING = 5  # marked before its octets are written to the carrier
    SENT = 6  # the carrier said yes, its receipt is awaited
    DELIVERED = 12
    EXPIRED = 13
    DELETED = 14
    UNDELIVERABLE = 15
    ACCEPTED = 16
    UNKNOWN = 17
    REJECTED = 18

    @property
    def final(self) -> bool:
        return self >= FINAL


FINAL = 10
"""From here on states are final."""

WAITING, SENDING, SENT, DELIVERED = State.WAITING, State.SENDING, State.SENT, State.DELIVERED
"""For what is asked of every message: in CPython 3.11 `State.SENT` costs ten times as much."""


@quick
class Kind(IntEnum):
    """What an outbox row carries to the client."""

    RECEIPT = 1
    REPLY = 2
    INTERMEDIATE = 3
    DEAD = 9  # the client refused it for good; kept, and not offered again


class Progress(NamedTuple):
    """The part of a message that changes; always written whole."""

    state: int
    deadline: int | None  # when something must happen: expiry, release or receipt time-out; None when final
    expires_at: int  # end of validity
    carrier: str | None = None
    carrier_message_id: str | None = None
    attempts: int = 0
    sent_at: int | None = None
    done_at: int | None = None
    error: int = 0  # the command_status or network error that decided
    trail: str = "[]"  # JSON: carriers considered and why passed over

    def plain(self) -> Row:
        """The columns without enums, which marshal does not take and the drivers take slowly."""
        row = list(self)
        row[PROGRESS_STATE], row[PROGRESS_ERROR] = int(self.state), int(self.error)
        return tuple(row)


class MessageRow(NamedTuple):
    """One accepted message to one destination, or one segment of a long one."""

    id: int  # grows; allocated by the node
    account: str
    client_id: str  # the message_id as told to the client
    accepted_at: int
    source: str
    destination: str
    category: str
    generation: int  # of the configuration that decided
    segment_of: int | None  # id of the first segment of its long text
    pdu: bytes  # the accepted PDU, whole; blank once its retention has passed
    decision: str  # JSON
    state: int
    deadline: int | None
    expires_at: int
    carrier: str | None = None
    carrier_message_id: str | None = None
    attempts: int = 0
    sent_at: int | None = None
    done_at: int | None = None
    error: int = 0
    trail: str = "[]"

    @property
    def progress(self) -> Progress:
        return Progress._make(self[PROGRESS_AT:])

    def with_progress(self, progress: Progress) -> "MessageRow":
        return MessageRow._make(self[:PROGRESS_AT] + progress)

    def plain(self) -> Row:
        """The columns without enums, as those of Progress."""
        row = list(self)
        row[PROGRESS_AT + PROGRESS_STATE] = int(self.state)
        row[PROGRESS_AT + PROGRESS_ERROR] = int(self.error)
        return tuple(row)


PROGRESS_AT = MessageRow._fields.index("state")
PROGRESS_STATE = Progress._fields.index("state")
PROGRESS_ERROR = Progress._fields.index("error")


class OutboxRow(NamedTuple):
    """A deliver_sm that waits for one of its account's receiving sessions."""

    seq: int  # grows; allocated by the node
    account: str
    message_id: int | None
    kind: int  # Kind
    created_at: int
    expires_at: int
    attempts: int
    pdu: bytes  # deliver_sm ready to send, sequence_number 0


class StrayRow(NamedTuple):
    """A carrier's receipt that has matched no message yet."""

    seq: int  # grows; allocated by the node
    carrier: str
    carrier_message_id: str
    destination: str
    received_at: int
    pdu: bytes


class Changes:
    """One batch of changes that is stored whole or not at all.

    What follows overrides what went before with the same key: the last progress of a message, the last word
    on an outbox or stray row. Updates and deletions of rows that are not there do nothing. Once it is
    `closed` it is on its way, and nothing may be added.
    """

    __slots__ = ("_operations", "closed")

    def __init__(self) -> None:
        self._operations: Frame = []
        self.closed = False

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def empty(self) -> bool:
        return not self._operations

    def insert(self, row: MessageRow) -> None:
        """A new message. Its id must be new, else the whole batch is refused."""
        self._operations.append(("insert", row.plain()))

    def progress(self, id: int, progress: Progress) -> None:
        """Replace the progress of message `id`."""
        self._operations.append(("progress", (*progress.plain(), id)))

    def sent(self, id: int, carrier_message_id: str | None) -> None:
        """Message `id` was marked and was taken by its carrier: nothing else of it changes."""
        self._operations.append(("sent", (carrier_message_id, id)))

    def delivered(self, id: int, carrier_message_id: str | None, done_at: int, error: int) -> None:
        """Message `id` was sent and is delivered: nothing else of it changes. It overrides `sent`."""
        self._operations.append(("delivered", (carrier_message_id, done_at, int(error), id)))

    def revise(self, row: MessageRow) -> None:
        """Replace what message `row.id` says and what was decided of it: addresses, PDU and decision record,
        which are one on disk.
        """
        self._operations.append(("revise", (row.source, row.destination, row.pdu, row.decision, row.id)))

    def classify(self, id: int, category: str) -> None:
        """Replace the category of message `id`: what it says raised it."""
        self._operations.append(("classify", (category, id)))

    def enqueue(self, row: OutboxRow) -> None:
        """Put a row in its account's outbox; the same seq again replaces it (to count an attempt)."""
        seq, account, message_id, kind, created_at, expires_at, attempts, pdu = row
        plain = seq, account, message_id, int(kind), created_at, expires_at, attempts, pdu
        self._operations.append(("enqueue", plain))

    def dequeue(self, seq: int) -> None:
        self._operations.append(("dequeue", (seq,)))

    def stray(self, row: StrayRow) -> None:
        """Keep a receipt that matches nothing; the same seq again replaces it."""
        self._operations.append(("stray", tuple(row)))

    def unstray(self, seq: int) -> None:
        self._operations.append(("unstray", (seq,)))

    def add(self, statement: str, row: Row) -> None:
        """Run a statement that another room has registered; plain str, int, bytes and None only."""
        self._operations.append((statement, row))

    def merge(self, later: "Changes") -> None:
        """Take over all of `later`, after what is here already."""
        self._operations += later._operations

    def frame(self) -> Frame:
        """The batch as plain values, in order. It is closed with that."""
        self.closed = True
        return list(self._operations)
