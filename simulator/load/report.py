"""What came of a run of load, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from gateway.smpp.constants import CommandStatus
from simulator.load.judge import Judge, percentiles, some


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement. Times are in milliseconds unless named otherwise; lists of ids hold the first few.

    `explained` are receipts for ids that were never given, about numbers whose submit was cut off before
    its answer; `strays` those that nothing explains.
    """

    seconds: float
    submits: int
    accepted: int
    refused: dict[str, int]
    put_off: int
    unanswered: int
    not_sent: int
    receipts: dict[str, int]
    intermediates: int
    replies: int
    lost: int
    lost_ids: list[str]
    doubled: int
    doubled_ids: list[str]
    redelivered: int
    crossed: int
    crossed_ids: list[str]
    strays: int
    stray_ids: list[str]
    explained: int
    connections: int
    connections_lost: int
    binds_refused: int
    violations: dict[str, int]
    messages_per_second: float
    trouble: str = ""
    response: dict[str, float] = field(default_factory=dict)
    receipt: dict[str, float] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        """Why this run was not good; nothing if it was."""
        return list(self._faults())

    @property
    def ok(self) -> bool:
        return not self.faults

    def _faults(self) -> Iterator[str]:
        if self.lost:
            yield f"{self.lost} messages without a receipt"
        if self.doubled:
            yield f"{self.doubled} receipts doubled"
        if self.crossed:
            yield f"{self.crossed} receipts crossed"
        if self.strays:
            yield f"{self.strays} receipts for ids that were never given"
        if self.violations:
            yield f"{sum(self.violations.values())} violations of the protocol"
        if self.not_sent:
            yield f"{self.not_sent} submits never settled"
        if not self.accepted:
            yield "nothing was accepted" + (f": {self._why}" if self._why else "")

    @property
    def _why(self) -> str:
        """Why nothing was: what the last connection or bind came to, or the commonest refusal."""
        return self.trouble or max(self.refused, key=self.refused.__getitem__, default="")

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "faults": self.faults} | asdict(self)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the judge does not count."""

    seconds: float
    submits: int
    put_off: int
    not_sent: int
    intermediates: int
    replies: int
    connections: int
    connections_lost: int
    binds_refused: int
    receipts_expected: bool
    trouble: str = ""


def conclude(judge: Judge, tally: Tally) -> Report:
    """The report on a run that is over."""
    lost = judge.lost() if tally.receipts_expected else []
    explained, strays = judge.strays()
    redelivered, doubled = judge.repeats()
    return Report(
        seconds=round(tally.seconds, 3),
        submits=tally.submits,
        accepted=judge.accepted,
        refused={CommandStatus(status).name: count for status, count in judge.refused.items()},
        put_off=tally.put_off,
        unanswered=judge.unanswered,
        not_sent=tally.not_sent,
        receipts=dict(judge.stats),
        intermediates=tally.intermediates,
        replies=tally.replies,
        lost=len(lost),
        lost_ids=some(lost),
        doubled=len(doubled),
        doubled_ids=some(doubled),
        redelivered=redelivered,
        crossed=len(judge.crossed),
        crossed_ids=some(judge.crossed),
        strays=len(strays),
        stray_ids=some(strays),
        explained=explained,
        connections=tally.connections,
        connections_lost=tally.connections_lost,
        binds_refused=tally.binds_refused,
        violations=dict(judge.violations),
        trouble=tally.trouble,
        messages_per_second=round(judge.accepted / tally.seconds, 1) if tally.seconds > 0 else 0.0,
        response=percentiles(judge.response_times),
        receipt=percentiles(judge.receipt_times),
    )


def for_people(report: Report) -> Group:
    """The report as a table, and a last line that says whether all is well."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _lines(report):
        table.add_row(name, value)
    if report.ok:
        verdict = Text("Each accepted message got exactly one receipt, with its own id.", "green")
    else:
        verdict = Text("; ".join(report.faults), "bold red")
    return Group(table, verdict)


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    yield "accepted", f"{report.accepted} in {report.seconds:.1f} s, {report.messages_per_second:.0f}/s"
    yield from ((f"refused {name}", str(count)) for name, count in report.refused.items())
    yield from ((f"receipts {stat}", str(count)) for stat, count in sorted(report.receipts.items()))
    yield "submit to response, ms", _marks(report.response)
    yield "submit to receipt, ms", _marks(report.receipt)
    for name in ("put_off", "unanswered", "not_sent", "intermediates", "replies", "redelivered", "explained"):
        if getattr(report, name):
            yield name.replace("_", " "), str(getattr(report, name))
    for name in ("lost", "doubled", "crossed", "strays"):
        count = getattr(report, name)
        ids = getattr(report, f"{name.rstrip('s')}_ids")
        yield name, f"{count}: {', '.join(ids)}" if count else "0"
    if report.connections_lost or report.binds_refused:
        yield (
            "connections",
            f"{report.connections}, {report.connections_lost} lost, {report.binds_refused} binds refused",
        )
    yield from ((f"violation: {detail}", str(count)) for detail, count in report.violations.items())


def _marks(marks: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in marks.items()) or "-"
