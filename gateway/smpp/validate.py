"""What an SMSC checks in a request beyond its layout (v3.4 sections 4 and 5.2), as tables of allowed values.

Length and presence of a field are the codec's matter; who may send what, and whether an address is served,
the relay's. What the tables do not name passes: protocol_id, data_coding (those who read texts know what they
can read), the reserved bits of registered_delivery, any vendor TLV.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from . import constants as c
from .codec import find_tlv
from .constants import V50, CommandStatus, Npi, Tag, Ton
from .fields import Tlv
from .pdus import CLASSES, CancelSm, DataSm, Pdu, QuerySm, ReplaceSm, SubmitMulti, SubmitSm
from .smpptime import parse_time
from .tlvspec import TLVS

S = CommandStatus
OK = CommandStatus.ESME_ROK
OCTETS = range(256)
ESME_TYPES = (c.ESM_TYPE_DEFAULT, c.ESM_TYPE_DELIVERY_ACK, c.ESM_TYPE_USER_ACK)

# Transaction mode belongs to data_sm (v3.4 section 2.10.3); the other message types go towards the ESME.
DATA_ESM_CLASSES = frozenset(v for v in OCTETS if v & c.ESM_TYPE in ESME_TYPES)
SUBMIT_ESM_CLASSES = frozenset(v for v in DATA_ESM_CLASSES if v & c.ESM_MODE != c.ESM_MODE_TRANSACTION)
REGISTERED_V34 = frozenset(v for v in OCTETS if v & c.REGISTERED_RECEIPT != c.REGISTERED_SUCCESS)


class Rule(NamedTuple):
    """The values that a field may have, the status for all others, and what they mean if they are bits."""

    field: str
    allowed: frozenset[int]
    status: CommandStatus
    says: str = ""


TONS = frozenset(int(ton) for ton in Ton)
NPIS = frozenset(int(npi) for npi in Npi)
SOURCE = (
    Rule("source_addr_ton", TONS, S.ESME_RINVSRCTON),
    Rule("source_addr_npi", NPIS, S.ESME_RINVSRCNPI),
)
DESTINATION = (
    Rule("dest_addr_ton", TONS, S.ESME_RINVDSTTON),
    Rule("dest_addr_npi", NPIS, S.ESME_RINVDSTNPI),
)
SUBMIT_ESM_CLASS = Rule(
    "esm_class",
    SUBMIT_ESM_CLASSES,
    S.ESME_RINVESMCLASS,
    "any mode but transaction; message type default, delivery or user acknowledgement; any feature",
)
DATA_ESM_CLASS = Rule(
    "esm_class",
    DATA_ESM_CLASSES,
    S.ESME_RINVESMCLASS,
    "any mode; message type default, delivery or user acknowledgement; any feature",
)
REGISTERED = Rule(
    "registered_delivery", REGISTERED_V34, S.ESME_RINVREGDLVFLG, "bits 1-0 are not 11, but in 5.0 they may be"
)
PRIORITY = Rule("priority_flag", frozenset(range(4)), S.ESME_RINVPRTFLG)
# The gateway has no canned messages; a carrier's could not be judged.
CANNED = Rule("sm_default_msg_id", frozenset({0}), S.ESME_RINVDFTMSGID)

RULES: dict[type[Pdu], tuple[Rule, ...]] = {
    SubmitSm: (
        *SOURCE,
        *DESTINATION,
        SUBMIT_ESM_CLASS,
        PRIORITY,
        REGISTERED,
        Rule("replace_if_present_flag", frozenset({0, 1}), S.ESME_RINVREPFLAG),
        CANNED,
    ),
    SubmitMulti: (
        *SOURCE,
        SUBMIT_ESM_CLASS,
        PRIORITY,
        REGISTERED,
        Rule("replace_if_present_flag", frozenset({0}), S.ESME_RINVREPFLAG),
        CANNED,
    ),
    DataSm: (*SOURCE, *DESTINATION, DATA_ESM_CLASS, REGISTERED),
    QuerySm: SOURCE,
    CancelSm: (*SOURCE, *DESTINATION),
    ReplaceSm: (*SOURCE, REGISTERED, CANNED),
}
# What v5.0 allows more of.
V50_ALLOWS = {"registered_delivery": frozenset(OCTETS)}
MOST_OCTETS = {False: 254, True: 255}
MOST_DESTINATIONS = {False: 254, True: 255}

# Two of these, and it would depend on the carrier which one the handset shows.
SINGLE = frozenset({Tag.message_payload, Tag.sar_msg_ref_num, Tag.sar_total_segments, Tag.sar_segment_seqnum})
NOT_WITH_UDH = frozenset(
    {
        Tag.sar_msg_ref_num,
        Tag.sar_total_segments,
        Tag.sar_segment_seqnum,
        Tag.source_port,
        Tag.destination_port,
    }
)
_NOW = datetime(2000, 1, 1, tzinfo=UTC)


def _compiled(v50: bool) -> dict[type[Pdu], tuple[tuple[int, frozenset[int], CommandStatus], ...]]:
    return {
        kind: tuple(
            (kind._fields.index(name), V50_ALLOWS.get(name, allowed) if v50 else allowed, status)
            for name, allowed, status, _ in rules
        )
        for kind, rules in RULES.items()
    }


_VALUES = {v50: _compiled(v50) for v50 in (False, True)}
_COMMANDS = {kind: command for command, kind in CLASSES.items()}


def check_request(pdu: Pdu, version: int) -> CommandStatus:
    """Whether an SMSC may take this request of an ESME of this interface_version: ESME_ROK, or what is wrong.

    Requests without rules (binds, enquire_link, unbind) and responses are ESME_ROK. The destinations of
    submit_multi are for `check_destination`, one by one.
    """
    v50 = version >= V50
    for index, allowed, status in _VALUES[v50].get(type(pdu), ()):
        if pdu[index] not in allowed:
            return status
    if isinstance(pdu, SubmitSm) and _is_plain(pdu):
        return OK
    for check in CHECKS.get(type(pdu), ()):
        if status := check(pdu, v50):
            return status
    return OK


def _is_plain(pdu: SubmitSm) -> bool:
    """Whether it is as nearly all of them are, so that none of `CHECKS` has anything to find."""
    return (
        not pdu.tlvs
        and not pdu.validity_period
        and not pdu.schedule_delivery_time
        and len(pdu.short_message) <= MOST_OCTETS[False]
        and pdu.destination_addr != ""
    )


def check_destination(ton: int, npi: int, addr: str) -> CommandStatus:
    """Whether a destination can be an address at all: ESME_ROK, or the status for its unsuccess_sme."""
    if ton not in TONS:
        return S.ESME_RINVDSTTON
    if npi not in NPIS:
        return S.ESME_RINVDSTNPI
    return OK if addr else S.ESME_RINVDSTADR


def check_tlv(tlv: Tlv, command_id: int) -> CommandStatus:
    """Whether one TLV may stand in this PDU, as it is; unknown ones may (v3.4 section 3.3)."""
    spec = TLVS.get(tlv.tag)
    if spec is None:
        return OK
    if command_id not in spec.permitted:
        return S.ESME_ROPTPARNOTALLWD
    if len(tlv.value) not in spec.lengths:
        return S.ESME_RINVPARLEN
    if spec.values is not None and int.from_bytes(tlv.value, "big") not in spec.values:
        return S.ESME_RINVOPTPARAMVAL
    return OK


Texted = SubmitSm | SubmitMulti | ReplaceSm


def _tlvs(pdu: Texted | DataSm | QuerySm | CancelSm, v50: bool) -> CommandStatus:
    if not pdu.tlvs:
        return OK
    seen = set()
    for tlv in pdu.tlvs:
        if status := check_tlv(tlv, _COMMANDS[type(pdu)]):
            return status
        if tlv.tag in seen and tlv.tag in SINGLE:
            return S.ESME_ROPTPARNOTALLWD
        seen.add(tlv.tag)
    return OK


def _udh(pdu: SubmitSm | SubmitMulti | DataSm, v50: bool) -> CommandStatus:
    if pdu.tlvs and pdu.esm_class & c.ESM_UDHI and any(tag in NOT_WITH_UDH for tag, _ in pdu.tlvs):
        return S.ESME_ROPTPARNOTALLWD
    return OK


def _destination(pdu: SubmitSm | DataSm, v50: bool) -> CommandStatus:
    return OK if pdu.destination_addr else S.ESME_RINVDSTADR


def _destinations(pdu: SubmitMulti, v50: bool) -> CommandStatus:
    good = 0 < len(pdu.dest_addresses) <= MOST_DESTINATIONS[v50]
    return OK if good else S.ESME_RINVNUMDESTS


def _message_id(pdu: QuerySm | ReplaceSm, v50: bool) -> CommandStatus:
    return OK if pdu.message_id else S.ESME_RINVMSGID


def _times(pdu: Texted, v50: bool) -> CommandStatus:
    if pdu.schedule_delivery_time and not _is_time(pdu.schedule_delivery_time):
        return S.ESME_RINVSCHED
    if pdu.validity_period and not _is_time(pdu.validity_period):
        return S.ESME_RINVEXPIRY
    return OK


@lru_cache(1024)
def _is_time(text: str) -> bool:
    try:
        parse_time(text, _NOW)
    except ValueError:
        return False
    return True


def _text(pdu: Texted, v50: bool) -> CommandStatus:
    if len(pdu.short_message) > MOST_OCTETS[v50]:
        return S.ESME_RINVMSGLEN
    # Both at once would let one be judged and the other be shown.
    if pdu.tlvs and pdu.short_message and find_tlv(pdu.tlvs, Tag.message_payload) is not None:
        return S.ESME_ROPTPARNOTALLWD
    return OK


def _payload(pdu: DataSm, v50: bool) -> CommandStatus:
    found = find_tlv(pdu.tlvs, Tag.message_payload) is not None
    return OK if found else S.ESME_RMISSINGOPTPARAM


CHECKS: dict[type[Pdu], tuple[Callable[[Any, bool], CommandStatus], ...]] = {
    SubmitSm: (_destination, _times, _text, _tlvs, _udh),
    SubmitMulti: (_destinations, _times, _text, _tlvs, _udh),
    DataSm: (_destination, _tlvs, _udh, _payload),
    ReplaceSm: (_message_id, _times, _text, _tlvs),
    QuerySm: (_message_id, _tlvs),
    CancelSm: (_tlvs,),
}
