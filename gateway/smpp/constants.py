"""The numbers of SMPP: command ids, statuses, TLV tags, states, masks (v3.4 section 5, 5.0 section 4)."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from .enums import quick

V33 = 0x33
V34 = 0x34
V50 = 0x50

RESPONSE = 0x80000000
"""Set in the command_id of every response (v3.4 section 5.1.2.1)."""

HEADER_OCTETS = 16

# esm_class (v3.4 section 5.2.12)
ESM_MODE = 0x03
ESM_MODE_DEFAULT = 0x00
ESM_MODE_DATAGRAM = 0x01
ESM_MODE_TRANSACTION = 0x02
ESM_MODE_STORE_AND_FORWARD = 0x03
ESM_TYPE = 0x3C
ESM_TYPE_DEFAULT = 0x00
ESM_TYPE_RECEIPT = 0x04
ESM_TYPE_DELIVERY_ACK = 0x08
ESM_TYPE_USER_ACK = 0x10
ESM_TYPE_CONVERSATION_ABORT = 0x18
ESM_TYPE_INTERMEDIATE = 0x20
ESM_UDHI = 0x40
ESM_REPLY_PATH = 0x80

# registered_delivery (v3.4 section 5.2.17; intermediate is bit 4 by its mask, and by v5.0)
REGISTERED_RECEIPT = 0x03
REGISTERED_NONE = 0x00
REGISTERED_ANY = 0x01
REGISTERED_FAILURE = 0x02
REGISTERED_SUCCESS = 0x03
REGISTERED_DELIVERY_ACK = 0x04
REGISTERED_USER_ACK = 0x08
REGISTERED_INTERMEDIATE = 0x10

# dest_flag of submit_multi (v3.4 section 5.2.25)
DEST_SME = 1
DEST_LIST = 2


class OpenIntEnum(IntEnum):
    """An IntEnum that lets any integer pass: a value it has no name for becomes a member UNKNOWN_0x….

    Such a member equals its integer and is not kept, so that peers cannot fill the memory with them.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_0x{value:X}"
        member._value_ = value
        return member


@quick
class CommandId(OpenIntEnum):
    """command_id (v3.4 section 5.1.2.1; broadcast_* are of v5.0)."""

    bind_receiver = 0x00000001
    bind_transmitter = 0x00000002
    query_sm = 0x00000003
    submit_sm = 0x00000004
    deliver_sm = 0x00000005
    unbind = 0x00000006
    replace_sm = 0x00000007
    cancel_sm = 0x00000008
    bind_transceiver = 0x00000009
    outbind = 0x0000000B
    enquire_link = 0x00000015
    submit_multi = 0x00000021
    alert_notification = 0x00000102
    data_sm = 0x00000103
    broadcast_sm = 0x00000111
    query_broadcast_sm = 0x00000112
    cancel_broadcast_sm = 0x00000113
    generic_nack = 0x80000000
    bind_receiver_resp = 0x80000001
    bind_transmitter_resp = 0x80000002
    query_sm_resp = 0x80000003
    submit_sm_resp = 0x80000004
    deliver_sm_resp = 0x80000005
    unbind_resp = 0x80000006
    replace_sm_resp = 0x80000007
    cancel_sm_resp = 0x80000008
    bind_transceiver_resp = 0x80000009
    enquire_link_resp = 0x80000015
    submit_multi_resp = 0x80000021
    data_sm_resp = 0x80000103
    broadcast_sm_resp = 0x80000111
    query_broadcast_sm_resp = 0x80000112
    cancel_broadcast_sm_resp = 0x80000113


@quick
class CommandStatus(OpenIntEnum):
    """command_status (v3.4 section 5.1.3, v5.0 section 4.7.6); the v5.0 names of 0xC0-0xC4 are aliases."""

    ESME_ROK = 0x00000000
    ESME_RINVMSGLEN = 0x00000001
    ESME_RINVCMDLEN = 0x00000002
    ESME_RINVCMDID = 0x00000003
    ESME_RINVBNDSTS = 0x00000004
    ESME_RALYBND = 0x00000005
    ESME_RINVPRTFLG = 0x00000006
    ESME_RINVREGDLVFLG = 0x00000007
    ESME_RSYSERR = 0x00000008
    ESME_RINVSRCADR = 0x0000000A
    ESME_RINVDSTADR = 0x0000000B
    ESME_RINVMSGID = 0x0000000C
    ESME_RBINDFAIL = 0x0000000D
    ESME_RINVPASWD = 0x0000000E
    ESME_RINVSYSID = 0x0000000F
    ESME_RCANCELFAIL = 0x00000011
    ESME_RREPLACEFAIL = 0x00000013
    ESME_RMSGQFUL = 0x00000014
    ESME_RINVSERTYP = 0x00000015
    ESME_RINVNUMDESTS = 0x00000033
    ESME_RINVDLNAME = 0x00000034
    ESME_RINVDESTFLAG = 0x00000040
    ESME_RINVSUBREP = 0x00000042
    ESME_RINVESMCLASS = 0x00000043
    ESME_RCNTSUBDL = 0x00000044
    ESME_RSUBMITFAIL = 0x00000045
    ESME_RINVSRCTON = 0x00000048
    ESME_RINVSRCNPI = 0x00000049
    ESME_RINVDSTTON = 0x00000050
    ESME_RINVDSTNPI = 0x00000051
    ESME_RINVSYSTYP = 0x00000053
    ESME_RINVREPFLAG = 0x00000054
    ESME_RINVNUMMSGS = 0x00000055
    ESME_RTHROTTLED = 0x00000058
    ESME_RINVSCHED = 0x00000061
    ESME_RINVEXPIRY = 0x00000062
    ESME_RINVDFTMSGID = 0x00000063
    ESME_RX_T_APPN = 0x00000064
    ESME_RX_P_APPN = 0x00000065
    ESME_RX_R_APPN = 0x00000066
    ESME_RQUERYFAIL = 0x00000067
    ESME_RINVOPTPARSTREAM = 0x000000C0
    ESME_ROPTPARNOTALLWD = 0x000000C1
    ESME_RINVPARLEN = 0x000000C2
    ESME_RMISSINGOPTPARAM = 0x000000C3
    ESME_RINVOPTPARAMVAL = 0x000000C4
    ESME_RDELIVERYFAILURE = 0x000000FE
    ESME_RUNKNOWNERR = 0x000000FF
    ESME_RSERTYPUNAUTH = 0x00000100
    ESME_RPROHIBITED = 0x00000101
    ESME_RSERTYPUNAVAIL = 0x00000102
    ESME_RSERTYPDENIED = 0x00000103
    ESME_RINVDCS = 0x00000104
    ESME_RINVSRCADDRSUBUNIT = 0x00000105
    ESME_RINVDSTADDRSUBUNIT = 0x00000106
    ESME_RINVBCASTFREQINT = 0x00000107
    ESME_RINVBCASTALIAS_NAME = 0x00000108
    ESME_RINVBCASTAREAFMT = 0x00000109
    ESME_RINVNUMBCAST_AREAS = 0x0000010A
    ESME_RINVBCASTCNTTYPE = 0x0000010B
    ESME_RINVBCASTMSGCLASS = 0x0000010C
    ESME_RBCASTFAIL = 0x0000010D
    ESME_RBCASTQUERYFAIL = 0x0000010E
    ESME_RBCASTCANCELFAIL = 0x0000010F
    ESME_RINVBCAST_REP = 0x00000110
    ESME_RINVBCASTSRVGRP = 0x00000111
    ESME_RINVBCASTCHANIND = 0x00000112

    ESME_RINVTLVSTREAM = ESME_RINVOPTPARSTREAM
    ESME_RTLVNOTALLWD = ESME_ROPTPARNOTALLWD
    ESME_RINVTLVLEN = ESME_RINVPARLEN
    ESME_RMISSINGTLV = ESME_RMISSINGOPTPARAM
    ESME_RINVTLVVAL = ESME_RINVOPTPARAMVAL


@quick
class Tag(OpenIntEnum):
    """TLV tags (v3.4 section 5.3.1, and v5.0)."""

    dest_addr_subunit = 0x0005
    dest_network_type = 0x0006
    dest_bearer_type = 0x0007
    dest_telematics_id = 0x0008
    source_addr_subunit = 0x000D
    source_network_type = 0x000E
    source_bearer_type = 0x000F
    source_telematics_id = 0x0010
    qos_time_to_live = 0x0017
    payload_type = 0x0019
    additional_status_info_text = 0x001D
    receipted_message_id = 0x001E
    ms_msg_wait_facilities = 0x0030
    privacy_indicator = 0x0201
    source_subaddress = 0x0202
    dest_subaddress = 0x0203
    user_message_reference = 0x0204
    user_response_code = 0x0205
    source_port = 0x020A
    destination_port = 0x020B
    sar_msg_ref_num = 0x020C
    language_indicator = 0x020D
    sar_total_segments = 0x020E
    sar_segment_seqnum = 0x020F
    sc_interface_version = 0x0210
    callback_num_pres_ind = 0x0302
    callback_num_atag = 0x0303
    number_of_messages = 0x0304
    callback_num = 0x0381
    dpf_result = 0x0420
    set_dpf = 0x0421
    ms_availability_status = 0x0422
    network_error_code = 0x0423
    message_payload = 0x0424
    delivery_failure_reason = 0x0425
    more_messages_to_send = 0x0426
    message_state = 0x0427
    congestion_state = 0x0428
    ussd_service_op = 0x0501
    broadcast_channel_indicator = 0x0600
    broadcast_content_type = 0x0601
    broadcast_content_type_info = 0x0602
    broadcast_message_class = 0x0603
    broadcast_rep_num = 0x0604
    broadcast_frequency_interval = 0x0605
    broadcast_area_identifier = 0x0606
    broadcast_error_status = 0x0607
    broadcast_area_success = 0x0608
    broadcast_end_time = 0x0609
    broadcast_service_group = 0x060A
    billing_identification = 0x060B
    source_network_id = 0x060D
    dest_network_id = 0x060E
    source_node_id = 0x060F
    dest_node_id = 0x0610
    dest_addr_np_resolution = 0x0611
    dest_addr_np_information = 0x0612
    dest_addr_np_country = 0x0613
    display_time = 0x1201
    sms_signal = 0x1203
    ms_validity = 0x1204
    alert_on_message_delivery = 0x130C
    its_reply_type = 0x1380
    its_session_info = 0x1383


@quick
class MessageState(OpenIntEnum):
    """message_state (v3.4 section 5.2.28; SCHEDULED and SKIPPED are of v5.0 section 4.7.15)."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


@quick
class Ton(OpenIntEnum):
    """Type of number (v3.4 section 5.2.5)."""

    UNKNOWN = 0
    INTERNATIONAL = 1
    NATIONAL = 2
    NETWORK_SPECIFIC = 3
    SUBSCRIBER_NUMBER = 4
    ALPHANUMERIC = 5
    ABBREVIATED = 6


@quick
class Npi(OpenIntEnum):
    """Numbering plan indicator (v3.4 section 5.2.6)."""

    UNKNOWN = 0
    ISDN = 1
    DATA = 3
    TELEX = 4
    LAND_MOBILE = 6
    NATIONAL = 8
    PRIVATE = 9
    ERMES = 10
    INTERNET = 14
    WAP_CLIENT_ID = 18
