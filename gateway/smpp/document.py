"""Writes docs/protocol.md from the tables: `python -m gateway.smpp.document [DIRECTORY]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from .constants import V50, CommandId, CommandStatus
from .spec import PDUS, UNSUPPORTED, Field, Kind, PduSpec
from .states import BEFORE_50, PERMISSIONS, TOLERATED, TRANSITIONS, Role, State
from .tlvspec import RESPONSES, TLVS, TlvSpec
from .validate import MOST_DESTINATIONS, MOST_OCTETS, RULES, Rule

S = CommandStatus

INTRODUCTION = """\
# Protocol

Made from the tables in `gateway/smpp` by `python -m gateway.smpp.document`; a test holds it to them. Versions
3.3, 3.4 and 5.0 are spoken. Sections are those of v3.4 Issue 1.2.
"""

PDU_NOTES = """\
Every PDU begins with command_length, command_id, command_status and sequence_number, four octets each.
Lengths count octets, and the NUL of a C-octet string. A request in which a field is missing, has no NUL, or
is too long is answered by its own response with the status in the last column, and the session goes on. A
response may lack its body; in one with an error status, a body that cannot be read counts as lacking.
"""

UNREADABLE_NOTES = "What cannot be read is answered so where the tables name no field:\n"

UNREADABLE = (
    ("command_length below 16, or above the limit", "generic_nack ESME_RINVCMDLEN, then close"),
    ("another protocol where a command_length should be", "nothing, then close"),
    ("unknown command_id", "generic_nack ESME_RINVCMDID"),
    (", ".join(sorted(command.name for command in UNSUPPORTED)), "its own response, ESME_RINVCMDID"),
    ("octets after unbind or enquire_link", "its own response, ESME_RINVCMDLEN"),
    ("1 to 3 octets after the TLVs", "its own response, ESME_RINVOPTPARSTREAM"),
    ("a TLV that is longer than the PDU", "its own response, ESME_RINVOPTPARSTREAM"),
    ("any response", "nothing"),
)

VALUE_NOTES = """\
What an SMSC refuses in a request that it could read. All other values pass, those of protocol_id and
data_coding among them.
"""

SUBMITS = "submit_sm, submit_multi, data_sm"
TEXTS = "submit_sm, submit_multi, replace_sm"
OTHER_CHECKS = (
    ("submit_sm, data_sm", "destination_addr is not empty", S.ESME_RINVDSTADR),
    (
        "submit_multi",
        f"1 to {MOST_DESTINATIONS[False]} destinations, {MOST_DESTINATIONS[True]} in 5.0",
        S.ESME_RINVNUMDESTS,
    ),
    ("query_sm, replace_sm", "message_id is not empty", S.ESME_RINVMSGID),
    (TEXTS, "schedule_delivery_time is a time", S.ESME_RINVSCHED),
    (TEXTS, "validity_period is a time", S.ESME_RINVEXPIRY),
    (
        TEXTS,
        f"short_message has at most {MOST_OCTETS[False]} octets, {MOST_OCTETS[True]} in 5.0",
        S.ESME_RINVMSGLEN,
    ),
    (TEXTS, "message_payload or short_message, not both", S.ESME_ROPTPARNOTALLWD),
    (SUBMITS, "no SAR or port TLV beside a user data header", S.ESME_ROPTPARNOTALLWD),
    (f"{SUBMITS}, replace_sm", "message_payload and each SAR TLV at most once", S.ESME_ROPTPARNOTALLWD),
    ("data_sm", "message_payload is there", S.ESME_RMISSINGOPTPARAM),
)

TLV_NOTES = """\
A known TLV in a request that may not carry it is answered with ESME_ROPTPARNOTALLWD, one of a wrong length
with ESME_RINVPARLEN, one of a wrong value with ESME_RINVOPTPARAMVAL. Unknown TLVs pass, and are passed on.
"""

STATE_NOTES = """\
Who may send what when, by 5.0: E is the ESME, M the message centre (SMSC). A request that may not come now is
answered with ESME_RINVBNDSTS, a second bind with ESME_RALYBND; responses may always come.
"""

Cells = Iterable[object]


def table(head: Cells, rows: Iterable[Cells]) -> Iterator[str]:
    """The lines of a table."""
    heads = [str(cell) for cell in head]
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"
    yield ""


def spans(values: Iterable[int]) -> str:
    """Integers as ranges: 0-4, 6."""
    runs = groupby(enumerate(sorted(values)), lambda pair: pair[1] - pair[0])
    bounds = [[value for _, value in run] for _, run in runs]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in bounds)


def size(field: Field) -> str:
    """The most octets, or entries, of a field, and what is tolerated."""
    most = "1 or 17" if field.kind is Kind.TIME else str(field.size)
    return f"{most} ({field.tolerated} taken)" if field.tolerated else most


def pdu(spec: PduSpec) -> Iterator[str]:
    """One PDU."""
    yield f"### {spec.command_id.name}\n"
    yield f"0x{spec.command_id:08X}, {spec.source}.\n"
    if spec.fields:
        rows = [
            (f.name, f.kind.value, size(f), "" if spec.is_response else f.status.name) for f in spec.fields
        ]
        yield from table(("field", "kind", "most", "status"), rows)
    if not spec.tlvs:
        yield "Nothing may follow the header.\n"


def tlv(spec: TlvSpec) -> Cells:
    """The row of a TLV."""
    named = ", ".join(command.name for command in sorted(spec.permitted))
    carriers = "every response" if spec.permitted == RESPONSES else named
    values = "" if spec.values is None else spans(spec.values)
    version = "5.0" if spec.version == V50 else "3.4"
    return f"0x{spec.tag:04X}", spec.tag.name, spec.kind.value, spans(spec.lengths), values, version, carriers


def allowed_values() -> Iterator[Cells]:
    """The rows of validate.RULES, one for each rule."""
    found: dict[Rule, list[str]] = {}
    for kind, rules in RULES.items():
        for rule in rules:
            found.setdefault(rule, []).append(CommandId(kind().command_id).name)
    for rule, carriers in found.items():
        yield rule.field, rule.says or spans(rule.allowed), ", ".join(carriers), rule.status.name


def statuses() -> Iterator[Cells]:
    """The rows of all statuses, with the fields for which each is the answer."""
    names: dict[CommandStatus, list[str]] = {status: [] for status in CommandStatus}
    for spec in PDUS:
        for field in spec.fields:
            if not spec.is_response and field.name not in names[field.status]:
                names[field.status].append(field.name)
    aliases = {status: name for name, status in CommandStatus.__members__.items() if name != status.name}
    for status, fields in names.items():
        yield f"0x{status:08X}", status.name, aliases.get(status, ""), ", ".join(fields)


def matrix(rows: Mapping[CommandId, Mapping[State, frozenset[Role]]]) -> Iterator[str]:
    """Who may send which command in which state."""
    states = [state for state in State if state is not State.CLOSED]
    letters = {Role.ESME: "E", Role.SMSC: "M"}
    yield from table(
        ("command", *(state.value for state in states)),
        (
            (
                command.name,
                *("".join(letters[role] for role in Role if role in by.get(s, ())) for s in states),
            )
            for command, by in rows.items()
        ),
    )


def sections() -> Iterator[str]:
    """The document, section by section."""
    yield INTRODUCTION
    yield "## States\n"
    yield STATE_NOTES
    yield from matrix(PERMISSIONS)
    yield "Sessions of 3.4 and older differ in this:\n"
    yield from matrix(BEFORE_50)
    yield "Also taken, so that a carrier which sends it on a transmitter bind loses nothing:\n"
    yield from matrix(TOLERATED)
    yield "What moves a session; a bind response does with ESME_ROK:\n"
    moves = [(s.value, c.name, to.value) for s, by in TRANSITIONS.items() for c, to in by.items()]
    yield from table(("state", "sent or received", "next state"), moves)
    yield "## PDUs\n"
    yield PDU_NOTES
    for spec in PDUS:
        yield from pdu(spec)
    yield UNREADABLE_NOTES
    yield from table(("situation", "answer"), UNREADABLE)
    yield "## Values\n"
    yield VALUE_NOTES
    yield from table(("field", "allowed", "request", "status"), allowed_values())
    rows = [(request, check, status.name) for request, check, status in OTHER_CHECKS]
    yield from table(("request", "check", "status"), rows)
    yield "## TLVs\n"
    yield TLV_NOTES
    yield from table(
        ("tag", "name", "kind", "octets", "values", "since", "may stand in"), map(tlv, TLVS.values())
    )
    yield "## Statuses\n"
    yield "Others pass as they are; 0x400 to 0x4FF are a vendor's own.\n"
    yield from table(("status", "name", "name in 5.0", "of a field that cannot be read"), statuses())


def protocol() -> str:
    """docs/protocol.md."""
    return "\n".join(sections()).rstrip() + "\n"


if __name__ == "__main__":
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (directory / "protocol.md").write_text(protocol(), "utf-8")
