"""Rows and reads that the tests of the store share."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import URL

from gateway.store.engine import place_of
from gateway.store.postgres_driver import PostgresDriver
from gateway.store.rows import Changes, Frame, Kind, MessageRow, OutboxRow, Progress, State, StrayRow
from gateway.store.statements import Statement, program
from gateway.store.writer import UNTRIED, Driver, Outcome, Writer

NOW = 1_800_000_000_000
DAY = 86_400_000


def message(id: int, **columns: Any) -> MessageRow:
    row = MessageRow(
        id=id,
        account="bank",
        client_id=str(id),
        accepted_at=NOW + id,
        source="10690001",
        destination=f"86199123{id:05d}",
        category="transactional",
        generation=1,
        segment_of=None,
        pdu=b"\x00\x04submit_sm\xff",
        decision='{"route":"主"}',
        state=State.WAITING,
        deadline=NOW + 2 * DAY,
        expires_at=NOW + 2 * DAY,
    )
    return row._replace(**columns)


def sent(id: int, carrier: str = "alpha") -> Progress:
    return Progress(State.SENT, NOW + 3 * DAY, NOW + 2 * DAY, carrier, f"c{id}", 1, NOW + id)


def delivered(id: int) -> Progress:
    return Progress(State.DELIVERED, None, NOW + 2 * DAY, "alpha", f"c{id}", 1, NOW + id, NOW + id + 9)


def waiting(seq: int, account: str = "bank", **columns: Any) -> OutboxRow:
    return OutboxRow(seq, account, None, Kind.RECEIPT, NOW, NOW + DAY, 0, b"deliver_sm")._replace(**columns)


def lost(seq: int, **columns: Any) -> StrayRow:
    return StrayRow(seq, "alpha", f"c{seq}", "8619912300001", NOW, b"deliver_sm")._replace(**columns)


def inserts(*ids: int) -> Changes:
    return changes(*(lambda batch, id=id: batch.insert(message(id)) for id in ids))


def changes(*steps: Callable[[Changes], None]) -> Changes:
    batch = Changes()
    for step in steps:
        step(batch)
    return batch


def postgres(url: URL, node: str = "node", wait: float = 3.0) -> PostgresDriver:
    """The driver of a PostgreSQL."""
    where = place_of(url, node)
    return PostgresDriver(where["conninfo"], where["where"], node, wait)


def writer_on(driver: Driver, statements: Iterable[Statement] | None = None) -> Writer:
    """A writer of all statements, or these."""
    return Writer(driver, program(driver.kind, statements))


def write_all(writer: Writer, frames: Sequence[Frame]) -> list[Outcome]:
    """Write frames as a journal does: what was not tried comes again, after what went before it."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(frames):
        told = writer.write(frames[len(outcomes) :])
        outcomes += [outcome for outcome in told if outcome[0] != UNTRIED]
    return outcomes


class HandOver:
    """What a journal is given: calls of a writer that the test has made up, run when the test says so."""

    def __init__(self, writer: Any, run: Callable[..., Any]) -> None:
        self.pack = lambda frame: frame
        self.write = lambda frames: run(writer.write, frames)
