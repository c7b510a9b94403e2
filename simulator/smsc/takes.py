"""What a narrow-minded carrier does not take, and the status that it says so with."""

from __future__ import annotations

import re

from gateway.smpp.concat import part_of, user_data_of
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import DataSm, SubmitMulti, SubmitSm
from simulator.smsc.profile import Takes

SAR = frozenset({Tag.sar_msg_ref_num, Tag.sar_total_segments, Tag.sar_segment_seqnum})


def refusal_of(takes: Takes, pdu: SubmitSm | DataSm | SubmitMulti) -> int:
    """The status for a message that the carrier does not take, else ESME_ROK."""
    tags = {tlv.tag for tlv in pdu.tlvs}
    if isinstance(pdu, DataSm) and not takes.data_sm:
        return CommandStatus.ESME_RINVCMDID
    if (tags and not takes.tlvs) or (Tag.message_payload in tags and not takes.payload):
        return CommandStatus.ESME_ROPTPARNOTALLWD
    if not tags.issuperset(takes.required):
        return CommandStatus.ESME_RMISSINGOPTPARAM
    if takes.data_codings and pdu.data_coding not in takes.data_codings:
        return CommandStatus.ESME_RINVDCS
    if takes.longest is not None and len(user_data_of(pdu)) > takes.longest:
        return CommandStatus.ESME_RINVMSGLEN
    part = part_of(pdu)
    if part is not None and takes.segments and part.kind not in takes.segments:
        return CommandStatus.ESME_RINVESMCLASS
    if takes.source and not re.fullmatch(takes.source, pdu.source_addr):
        return CommandStatus.ESME_RINVSRCADR
    if takes.destination and not re.fullmatch(takes.destination, getattr(pdu, "destination_addr", "")):
        return CommandStatus.ESME_RINVDSTADR
    if takes.destination_ton is not None and getattr(pdu, "dest_addr_ton", None) != takes.destination_ton:
        return CommandStatus.ESME_RINVDSTTON
    return CommandStatus.ESME_ROK
