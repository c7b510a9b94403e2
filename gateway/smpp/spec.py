"""The PDUs of SMPP as tables, and nothing else: what follows from them is generated or looked up.

Sizes are in octets and count the NUL of a C-octet string. `status` is what a request is answered with when
that field cannot be read (v3.4 section 5.1.3; v5.0 section 2.8.2 gives the rule). An integer that has no code
of its own is only unreadable when the PDU ends before it, hence ESME_RINVCMDLEN.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from .constants import RESPONSE, V34, CommandId, CommandStatus

S = CommandStatus


class Kind(Enum):
    """How a field lies on the wire (v3.4 section 3.1) and what it is in Python."""

    INTEGER = "integer"  # one octet: int
    C_OCTETS = "C-octet string"  # octets up to a NUL: str, latin-1
    TIME = "time"  # a C-octet string of 1 or 17 octets (v3.4 section 7.1.1): str
    SHORT_MESSAGE = "sm_length and short_message"  # one octet of length, then as many octets: bytes
    DESTINATIONS = (
        "number_of_dests and dest_address(es)"  # v3.4 section 4.5.1.1: tuple of SmeAddress, DistributionList
    )
    UNSUCCESS = "no_unsuccess and unsuccess_sme(s)"  # v3.4 section 4.5.2.1: tuple of UnsuccessSme


class Field(NamedTuple):
    """One field. `tolerated` is the size that is taken and passed on where peers exceed `size`."""

    name: str
    kind: Kind
    size: int
    status: CommandStatus
    default: int = 0
    tolerated: int = 0

    @property
    def accepted(self) -> int:
        """The size beyond which the field is an error."""
        return self.tolerated or self.size


class PduSpec(NamedTuple):
    """One PDU: where it is defined, its fields after the header in order, and whether TLVs may follow."""

    command_id: CommandId
    section: str
    fields: tuple[Field, ...] = ()
    tlvs: bool = True

    @property
    def source(self) -> str:
        """The version and the section that define it."""
        return "v5.0" if self.section == "5.0" else f"v3.4 section {self.section}"

    @property
    def is_response(self) -> bool:
        """True for *_resp and generic_nack."""
        return bool(self.command_id & RESPONSE)


def integer(name: str, status: CommandStatus = S.ESME_RINVCMDLEN, default: int = 0) -> Field:
    """An integer of one octet."""
    return Field(name, Kind.INTEGER, 1, status, default)


def text(name: str, size: int, status: CommandStatus, tolerated: int = 0) -> Field:
    """A C-octet string of at most `size` octets with its NUL."""
    return Field(name, Kind.C_OCTETS, size, status, tolerated=tolerated)


def address(
    prefix: str, name: str, codes: tuple[CommandStatus, ...], size: int = 21, tolerated: int = 0
) -> tuple[Field, ...]:
    """An address: type of number, numbering plan, digits or letters; `codes` are their statuses in order."""
    ton, npi, addr = codes
    return (integer(f"{prefix}_ton", ton), integer(f"{prefix}_npi", npi), text(name, size, addr, tolerated))


SOURCE_CODES = (S.ESME_RINVSRCTON, S.ESME_RINVSRCNPI, S.ESME_RINVSRCADR)
DEST_CODES = (S.ESME_RINVDSTTON, S.ESME_RINVDSTNPI, S.ESME_RINVDSTADR)

# What a carrier sends in excess must not cost the client its message or its receipt.
TOLERATED = 256

SERVICE_TYPE = text("service_type", 6, S.ESME_RINVSERTYP)
SOURCE = address("source_addr", "source_addr", SOURCE_CODES)
DESTINATION = address("dest_addr", "destination_addr", DEST_CODES)
LONG_SOURCE = address("source_addr", "source_addr", SOURCE_CODES, size=65)
LONG_DESTINATION = address("dest_addr", "destination_addr", DEST_CODES, size=65)
MESSAGE_ID = text("message_id", 65, S.ESME_RINVMSGID)
ANSWERED_ID = text("message_id", 65, S.ESME_RINVMSGID, tolerated=TOLERATED)
ESM_CLASS = integer("esm_class", S.ESME_RINVESMCLASS)
REGISTERED_DELIVERY = integer("registered_delivery", S.ESME_RINVREGDLVFLG)
DATA_CODING = integer("data_coding")
SM_DEFAULT_MSG_ID = integer("sm_default_msg_id", S.ESME_RINVDFTMSGID)
TIMES = (
    Field("schedule_delivery_time", Kind.TIME, 17, S.ESME_RINVSCHED),
    Field("validity_period", Kind.TIME, 17, S.ESME_RINVEXPIRY),
)
# v5.0 has 255; which of the two holds is for validate.py, which knows the version.
SHORT_MESSAGE = Field("short_message", Kind.SHORT_MESSAGE, 254, S.ESME_RINVMSGLEN, tolerated=255)

AFTER_ADDRESSES = (
    ESM_CLASS,
    integer("protocol_id"),
    integer("priority_flag", S.ESME_RINVPRTFLG),
    *TIMES,
    REGISTERED_DELIVERY,
    integer("replace_if_present_flag", S.ESME_RINVREPFLAG),
    DATA_CODING,
    SM_DEFAULT_MSG_ID,
    SHORT_MESSAGE,
)
BIND = (
    text("system_id", 16, S.ESME_RINVSYSID),
    text("password", 9, S.ESME_RINVPASWD),
    text("system_type", 13, S.ESME_RINVSYSTYP),
    integer("interface_version", S.ESME_RBINDFAIL, default=V34),
    integer("addr_ton", S.ESME_RBINDFAIL),
    integer("addr_npi", S.ESME_RBINDFAIL),
    text("address_range", 41, S.ESME_RBINDFAIL),
)
BIND_RESP = (text("system_id", 16, S.ESME_RINVSYSID, tolerated=TOLERATED),)

C = CommandId
PDUS: tuple[PduSpec, ...] = (
    PduSpec(C.bind_transmitter, "4.1.1", BIND),
    PduSpec(C.bind_transmitter_resp, "4.1.2", BIND_RESP),
    PduSpec(C.bind_receiver, "4.1.3", BIND),
    PduSpec(C.bind_receiver_resp, "4.1.4", BIND_RESP),
    PduSpec(C.bind_transceiver, "4.1.5", BIND),
    PduSpec(C.bind_transceiver_resp, "4.1.6", BIND_RESP),
    PduSpec(
        C.outbind, "4.1.7", (text("system_id", 16, S.ESME_RINVSYSID), text("password", 9, S.ESME_RINVPASWD))
    ),
    PduSpec(C.unbind, "4.2.1", tlvs=False),
    PduSpec(C.unbind_resp, "4.2.2"),
    PduSpec(C.generic_nack, "4.3.1"),
    PduSpec(C.submit_sm, "4.4.1", (SERVICE_TYPE, *SOURCE, *DESTINATION, *AFTER_ADDRESSES)),
    PduSpec(C.submit_sm_resp, "4.4.2", (ANSWERED_ID,)),
    PduSpec(
        C.submit_multi,
        "4.5.1",
        (
            SERVICE_TYPE,
            *SOURCE,
            Field("dest_addresses", Kind.DESTINATIONS, 254, S.ESME_RINVNUMDESTS, tolerated=255),
            *AFTER_ADDRESSES,
        ),
    ),
    PduSpec(
        C.submit_multi_resp,
        "4.5.2",
        (ANSWERED_ID, Field("unsuccess_sme", Kind.UNSUCCESS, 254, S.ESME_RINVNUMDESTS, tolerated=255)),
    ),
    PduSpec(
        C.deliver_sm,
        "4.6.1",
        (
            text("service_type", 6, S.ESME_RINVSERTYP, tolerated=TOLERATED),
            *address("source_addr", "source_addr", SOURCE_CODES, tolerated=TOLERATED),
            *address("dest_addr", "destination_addr", DEST_CODES, tolerated=TOLERATED),
            *AFTER_ADDRESSES,
        ),
    ),
    PduSpec(C.deliver_sm_resp, "4.6.2", (ANSWERED_ID,)),
    PduSpec(
        C.data_sm,
        "4.7.1",
        (SERVICE_TYPE, *LONG_SOURCE, *LONG_DESTINATION, ESM_CLASS, REGISTERED_DELIVERY, DATA_CODING),
    ),
    PduSpec(C.data_sm_resp, "4.7.2", (ANSWERED_ID,)),
    PduSpec(C.query_sm, "4.8.1", (MESSAGE_ID, *SOURCE)),
    PduSpec(
        C.query_sm_resp,
        "4.8.2",
        (
            ANSWERED_ID,
            Field("final_date", Kind.TIME, 17, S.ESME_RQUERYFAIL),
            integer("message_state"),
            integer("error_code"),
        ),
    ),
    PduSpec(C.cancel_sm, "4.9.1", (SERVICE_TYPE, MESSAGE_ID, *SOURCE, *DESTINATION)),
    PduSpec(C.cancel_sm_resp, "4.9.2"),
    PduSpec(
        C.replace_sm,
        "4.10.1",
        (MESSAGE_ID, *SOURCE, *TIMES, REGISTERED_DELIVERY, SM_DEFAULT_MSG_ID, SHORT_MESSAGE),
    ),
    PduSpec(C.replace_sm_resp, "4.10.2"),
    PduSpec(C.enquire_link, "4.11.1", tlvs=False),
    PduSpec(C.enquire_link_resp, "4.11.2"),
    PduSpec(
        C.alert_notification,
        "4.12.1",
        (*LONG_SOURCE, *address("esme_addr", "esme_addr", DEST_CODES, size=65)),
    ),
    PduSpec(C.broadcast_sm_resp, "5.0", (ANSWERED_ID,)),
    PduSpec(C.query_broadcast_sm_resp, "5.0", (ANSWERED_ID,)),
    PduSpec(C.cancel_broadcast_sm_resp, "5.0"),
)

UNSUPPORTED = frozenset({C.broadcast_sm, C.query_broadcast_sm, C.cancel_broadcast_sm})
"""Requests that are known and not served: each is answered by its own *_resp with ESME_RINVCMDID."""

BY_COMMAND: dict[int, PduSpec] = {spec.command_id: spec for spec in PDUS}
