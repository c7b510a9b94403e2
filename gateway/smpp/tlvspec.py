"""The TLVs of SMPP as a table: kind, lengths, values, and the PDUs that may carry them.

Permissions are those of v3.4 (the tables of section 4) and of v5.0 taken together: v3.4 peers use the wider
ones of v5.0 long since. Lengths are in octets, and count the NUL of a C-octet string.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from .constants import RESPONSE, V34, V50, CommandId, Tag
from .fields import Tlv

C = CommandId
T = Tag


class TlvKind(Enum):
    """What the value of a TLV is."""

    INTEGER = "integer"  # big-endian, unsigned
    C_OCTETS = "C-octet string"
    OCTETS = "octets"


class TlvSpec(NamedTuple):
    """One TLV. `values` are those an integer may have, None if any; `version` is the first that knows it."""

    tag: Tag
    kind: TlvKind
    lengths: Sequence[int]
    permitted: frozenset[CommandId]
    values: Sequence[int] | None
    version: int


RESPONSES = frozenset(command for command in C if command & RESPONSE)
BIND_RESPS = frozenset({C.bind_transmitter_resp, C.bind_receiver_resp, C.bind_transceiver_resp})
SUBMITS = frozenset({C.submit_sm, C.submit_multi, C.data_sm})
DELIVERS = frozenset({C.deliver_sm, C.data_sm})
BOTH = SUBMITS | DELIVERS
PAYLOADS = BOTH | {C.replace_sm, C.broadcast_sm}
OUTCOMES = frozenset({C.submit_sm_resp, C.submit_multi_resp, C.deliver_sm_resp, C.data_sm_resp})
RECEIPTS = DELIVERS | {C.query_broadcast_sm_resp}
BROADCAST = frozenset({C.broadcast_sm})
BROADCAST_AREAS = frozenset({C.broadcast_sm, C.broadcast_sm_resp, C.query_broadcast_sm_resp})
BROADCAST_REFERENCES = frozenset(
    {C.broadcast_sm, C.query_broadcast_sm, C.query_broadcast_sm_resp, C.cancel_broadcast_sm}
)

OCTET = (1,)
FLAG = range(2)


def integer(
    tag: Tag,
    permitted: frozenset[CommandId],
    lengths: Sequence[int] = OCTET,
    values: Sequence[int] | None = None,
    version: int = V34,
) -> TlvSpec:
    """A TLV whose value is an integer."""
    return TlvSpec(tag, TlvKind.INTEGER, lengths, permitted, values, version)


def text(tag: Tag, permitted: frozenset[CommandId], lengths: Sequence[int], version: int = V34) -> TlvSpec:
    """A TLV whose value is a C-octet string."""
    return TlvSpec(tag, TlvKind.C_OCTETS, lengths, permitted, None, version)


def octets(tag: Tag, permitted: frozenset[CommandId], lengths: Sequence[int], version: int = V34) -> TlvSpec:
    """A TLV whose value is octets."""
    return TlvSpec(tag, TlvKind.OCTETS, lengths, permitted, None, version)


ALL_TLVS = (
    integer(T.dest_addr_subunit, BOTH | BROADCAST),
    integer(T.dest_network_type, BOTH),
    integer(T.dest_bearer_type, BOTH),
    integer(T.dest_telematics_id, BOTH, (1, 2)),
    integer(T.source_addr_subunit, BOTH | BROADCAST),
    integer(T.source_network_type, BOTH),
    integer(T.source_bearer_type, BOTH),
    integer(T.source_telematics_id, BOTH, (1, 2)),
    integer(T.qos_time_to_live, BOTH, (4,)),
    integer(T.payload_type, BOTH | BROADCAST),
    text(T.additional_status_info_text, OUTCOMES, range(1, 257)),
    text(T.receipted_message_id, DELIVERS, range(1, 66)),
    integer(T.ms_msg_wait_facilities, SUBMITS),
    integer(T.privacy_indicator, BOTH | BROADCAST, values=range(4)),
    octets(T.source_subaddress, BOTH | BROADCAST, range(2, 24)),
    octets(T.dest_subaddress, BOTH | BROADCAST, range(2, 24)),
    integer(T.user_message_reference, BOTH | BROADCAST_REFERENCES, (2,)),
    integer(T.user_response_code, BOTH),
    integer(T.source_port, BOTH | BROADCAST, (2,)),
    integer(T.destination_port, BOTH | BROADCAST, (2,)),
    integer(T.sar_msg_ref_num, BOTH, (2,)),
    integer(T.language_indicator, BOTH | BROADCAST),
    integer(T.sar_total_segments, BOTH),
    integer(T.sar_segment_seqnum, BOTH),
    integer(T.sc_interface_version, BIND_RESPS),
    integer(T.callback_num_pres_ind, BOTH | BROADCAST, values=range(16)),
    octets(T.callback_num_atag, BOTH | BROADCAST, range(66)),
    integer(T.number_of_messages, SUBMITS, values=range(100)),
    octets(T.callback_num, BOTH | BROADCAST, range(4, 20)),
    integer(T.dpf_result, OUTCOMES | DELIVERS, values=FLAG),
    integer(T.set_dpf, SUBMITS, values=FLAG),
    integer(T.ms_availability_status, frozenset({C.alert_notification})),
    octets(T.network_error_code, DELIVERS | OUTCOMES, (3,)),
    octets(T.message_payload, PAYLOADS, range(65536)),
    integer(T.delivery_failure_reason, OUTCOMES),
    integer(T.more_messages_to_send, BOTH, values=FLAG),
    integer(T.message_state, RECEIPTS),
    integer(T.congestion_state, RESPONSES, version=V50),
    octets(T.ussd_service_op, BOTH, (1,)),
    integer(T.broadcast_channel_indicator, BROADCAST, values=FLAG, version=V50),
    octets(T.broadcast_content_type, BROADCAST | {C.cancel_broadcast_sm}, (3,), V50),
    octets(T.broadcast_content_type_info, BROADCAST, range(1, 256), V50),
    integer(T.broadcast_message_class, BROADCAST, values=range(4), version=V50),
    integer(T.broadcast_rep_num, BROADCAST, (2,), version=V50),
    octets(T.broadcast_frequency_interval, BROADCAST, (3,), V50),
    octets(T.broadcast_area_identifier, BROADCAST_AREAS, range(1, 65536), V50),
    integer(T.broadcast_error_status, frozenset({C.broadcast_sm_resp}), (4,), version=V50),
    integer(T.broadcast_area_success, frozenset({C.query_broadcast_sm_resp}), version=V50),
    text(T.broadcast_end_time, frozenset({C.query_broadcast_sm_resp}), (16, 17), V50),
    octets(T.broadcast_service_group, BROADCAST, range(1, 256), V50),
    octets(T.billing_identification, SUBMITS, range(1, 1025), V50),
    text(T.source_network_id, BOTH, range(7, 66), V50),
    text(T.dest_network_id, BOTH, range(7, 66), V50),
    octets(T.source_node_id, BOTH, (6,), V50),
    octets(T.dest_node_id, BOTH, (6,), V50),
    integer(T.dest_addr_np_resolution, BOTH, values=range(3), version=V50),
    octets(T.dest_addr_np_information, BOTH, (10,), V50),
    octets(T.dest_addr_np_country, BOTH, range(1, 6), V50),
    integer(T.display_time, SUBMITS | BROADCAST, values=range(3)),
    integer(T.sms_signal, SUBMITS | BROADCAST, (2,)),
    integer(T.ms_validity, SUBMITS | BROADCAST, (1, 4)),
    integer(T.alert_on_message_delivery, SUBMITS | BROADCAST, (0, 1)),
    integer(T.its_reply_type, BOTH),
    octets(T.its_session_info, BOTH, (2,)),
)

TLVS: dict[int, TlvSpec] = {spec.tag: spec for spec in ALL_TLVS}


def value_of(tlv: Tlv) -> int | str | bytes:
    """The value of a TLV as its kind reads it: an integer, a text up to its NUL if any, else the octets."""
    spec = TLVS.get(tlv.tag)
    if spec is None or spec.kind is TlvKind.OCTETS:
        return tlv.value
    if spec.kind is TlvKind.INTEGER:
        return int.from_bytes(tlv.value, "big")
    return tlv.value.partition(b"\0")[0].decode("latin-1")
