"""What an SMSC refuses in a request, and with which status."""

from typing import Any

import pytest
from hypothesis import given
from smpp_strategies import pdus

from gateway.smpp import constants as c
from gateway.smpp.constants import V33, V34, V50, CommandId, CommandStatus, Npi, Tag, Ton
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv
from gateway.smpp.pdus import (
    BindTransceiver,
    CancelSm,
    DataSm,
    DeliverSm,
    EnquireLink,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
    Unbind,
)
from gateway.smpp.tlvspec import TLVS, TlvKind, TlvSpec, value_of
from gateway.smpp.validate import check_destination, check_request, check_tlv

S = CommandStatus
PAYLOAD = Tlv(Tag.message_payload, b"hello")
SAR = (
    Tlv(Tag.sar_msg_ref_num, b"\0\1"),
    Tlv(Tag.sar_total_segments, b"\2"),
    Tlv(Tag.sar_segment_seqnum, b"\1"),
)
GOOD: dict[str, Any] = {
    "submit_sm": SubmitSm(
        source_addr="12025550100",
        dest_addr_ton=Ton.INTERNATIONAL,
        dest_addr_npi=Npi.ISDN,
        destination_addr="447700900001",
        short_message=b"hello",
    ),
    "submit_multi": SubmitMulti(
        dest_addresses=(SmeAddress(1, 1, "447700900001"), DistributionList("friends"))
    ),
    "data_sm": DataSm(destination_addr="447700900001", tlvs=(PAYLOAD,)),
    "query_sm": QuerySm(message_id="1", source_addr="12025550100"),
    "cancel_sm": CancelSm(source_addr="12025550100"),
    "replace_sm": ReplaceSm(message_id="1", short_message=b"hello"),
}
SUBMIT, MULTI, DATA, QUERY, CANCEL, REPLACE = GOOD


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("version", [0, V33, V34, V50, 0x7B])
def test_good_requests(name: str, version: int) -> None:
    assert check_request(GOOD[name], version) == S.ESME_ROK


BAD = [
    ({"source_addr_ton": 7}, {SUBMIT, MULTI, DATA, QUERY, CANCEL, REPLACE}, S.ESME_RINVSRCTON),
    ({"source_addr_npi": 2}, {SUBMIT, MULTI, DATA, QUERY, CANCEL, REPLACE}, S.ESME_RINVSRCNPI),
    ({"dest_addr_ton": 0x1C}, {SUBMIT, DATA, CANCEL}, S.ESME_RINVDSTTON),
    ({"dest_addr_npi": 0x1D}, {SUBMIT, DATA, CANCEL}, S.ESME_RINVDSTNPI),
    ({"destination_addr": ""}, {SUBMIT, DATA}, S.ESME_RINVDSTADR),
    ({"esm_class": c.ESM_TYPE_RECEIPT}, {SUBMIT, MULTI, DATA}, S.ESME_RINVESMCLASS),
    ({"esm_class": c.ESM_TYPE_INTERMEDIATE}, {SUBMIT, MULTI, DATA}, S.ESME_RINVESMCLASS),
    ({"esm_class": c.ESM_TYPE_CONVERSATION_ABORT}, {SUBMIT, MULTI, DATA}, S.ESME_RINVESMCLASS),
    ({"esm_class": c.ESM_MODE_TRANSACTION}, {SUBMIT, MULTI}, S.ESME_RINVESMCLASS),
    ({"priority_flag": 4}, {SUBMIT, MULTI}, S.ESME_RINVPRTFLG),
    ({"registered_delivery": 3}, {SUBMIT, MULTI, DATA, REPLACE}, S.ESME_RINVREGDLVFLG),
    ({"schedule_delivery_time": "tomorrow"}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVSCHED),
    ({"schedule_delivery_time": "261301120000000+"}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVSCHED),
    ({"validity_period": "0"}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVEXPIRY),
    ({"validity_period": "000002000000000r"}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVEXPIRY),
    ({"replace_if_present_flag": 2}, {SUBMIT, MULTI}, S.ESME_RINVREPFLAG),
    ({"replace_if_present_flag": 1}, {MULTI}, S.ESME_RINVREPFLAG),
    ({"sm_default_msg_id": 1}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVDFTMSGID),
    ({"short_message": bytes(255)}, {SUBMIT, MULTI, REPLACE}, S.ESME_RINVMSGLEN),
    ({"message_id": ""}, {QUERY, REPLACE}, S.ESME_RINVMSGID),
    ({"dest_addresses": ()}, {MULTI}, S.ESME_RINVNUMDESTS),
    ({"dest_addresses": (SmeAddress(1, 1, "447700900001"),) * 255}, {MULTI}, S.ESME_RINVNUMDESTS),
    ({"tlvs": ()}, {DATA}, S.ESME_RMISSINGOPTPARAM),
    ({"short_message": b"a", "tlvs": (PAYLOAD,)}, {SUBMIT, MULTI, REPLACE}, S.ESME_ROPTPARNOTALLWD),
    ({"short_message": b"", "tlvs": (PAYLOAD, PAYLOAD)}, {SUBMIT, MULTI, REPLACE}, S.ESME_ROPTPARNOTALLWD),
    ({"tlvs": (PAYLOAD, PAYLOAD)}, {DATA}, S.ESME_ROPTPARNOTALLWD),
    ({"esm_class": c.ESM_UDHI, "tlvs": (PAYLOAD, *SAR)}, {DATA}, S.ESME_ROPTPARNOTALLWD),
    ({"esm_class": c.ESM_UDHI, "tlvs": SAR}, {SUBMIT, MULTI}, S.ESME_ROPTPARNOTALLWD),
    (
        {"esm_class": c.ESM_UDHI, "tlvs": (Tlv(Tag.source_port, b"\0\1"),)},
        {SUBMIT, MULTI},
        S.ESME_ROPTPARNOTALLWD,
    ),
    ({"tlvs": (*SAR, SAR[0])}, {SUBMIT, MULTI}, S.ESME_ROPTPARNOTALLWD),
    ({"tlvs": (Tlv(Tag.sc_interface_version, b"4"),)}, set(GOOD), S.ESME_ROPTPARNOTALLWD),
    ({"tlvs": (Tlv(Tag.user_message_reference, b"\1"),)}, {SUBMIT, MULTI, DATA}, S.ESME_RINVPARLEN),
    ({"tlvs": (Tlv(Tag.privacy_indicator, b"\4"),)}, {SUBMIT, MULTI, DATA}, S.ESME_RINVOPTPARAMVAL),
]
BAD_CASES = [(name, change, status) for change, names, status in BAD for name in sorted(names)]


@pytest.mark.parametrize(("name", "change", "status"), BAD_CASES)
def test_bad_requests(name: str, change: dict[str, Any], status: CommandStatus) -> None:
    assert check_request(GOOD[name]._replace(**change), V34) == status


FINE = [
    (SUBMIT, {"esm_class": c.ESM_MODE_DATAGRAM | c.ESM_REPLY_PATH}),
    (SUBMIT, {"esm_class": c.ESM_MODE_STORE_AND_FORWARD | c.ESM_TYPE_USER_ACK | c.ESM_UDHI}),
    (DATA, {"esm_class": c.ESM_MODE_TRANSACTION}),
    (SUBMIT, {"registered_delivery": 0xFE}),
    (SUBMIT, {"short_message": bytes(254)}),
    (SUBMIT, {"short_message": b"", "tlvs": (PAYLOAD,)}),
    (SUBMIT, {"tlvs": SAR}),
    (SUBMIT, {"tlvs": (Tlv(0x1402, b"x"), Tlv(0x1402, b"y"), Tlv(0x0001, b""))}),
    (SUBMIT, {"data_coding": 0x18}),
    (SUBMIT, {"schedule_delivery_time": "260401120000032+", "validity_period": "000002000000000R"}),
    (MULTI, {"dest_addresses": (SmeAddress(1, 1, "447700900001"),) * 254}),
]


@pytest.mark.parametrize(("name", "change"), FINE)
def test_good_variations(name: str, change: dict[str, Any]) -> None:
    assert check_request(GOOD[name]._replace(**change), V34) == S.ESME_ROK


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (SUBMIT, {"registered_delivery": c.REGISTERED_SUCCESS}),
        (DATA, {"registered_delivery": c.REGISTERED_SUCCESS}),
        (REPLACE, {"registered_delivery": c.REGISTERED_SUCCESS}),
        (SUBMIT, {"short_message": bytes(255)}),
        (MULTI, {"dest_addresses": (SmeAddress(1, 1, "447700900001"),) * 255}),
    ],
)
def test_version_5_allows_more(name: str, change: dict[str, Any]) -> None:
    changed = GOOD[name]._replace(**change)
    assert check_request(changed, V34) != S.ESME_ROK
    assert check_request(changed, V50) == S.ESME_ROK


@pytest.mark.parametrize(
    "pdu",
    [
        BindTransceiver(interface_version=0x7B),
        EnquireLink(),
        Unbind(),
        DeliverSm(esm_class=4),
        SubmitSmResp(),
    ],
)
def test_what_has_no_rules_passes(pdu: Pdu) -> None:
    assert check_request(pdu, V34) == S.ESME_ROK


@given(pdus)
def test_every_pdu_can_be_checked(pdu: Pdu) -> None:
    assert isinstance(check_request(pdu, V34), CommandStatus)
    assert isinstance(check_request(pdu, V50), CommandStatus)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ((1, 1, "447700900001"), S.ESME_ROK),
        ((7, 1, "447700900001"), S.ESME_RINVDSTTON),
        ((1, 2, "447700900001"), S.ESME_RINVDSTNPI),
        ((1, 1, ""), S.ESME_RINVDSTADR),
    ],
)
def test_destination(address: tuple[int, int, str], status: CommandStatus) -> None:
    assert check_destination(*address) == status


# The table of TLVs


def test_every_tag_has_its_row() -> None:
    assert set(TLVS) == set(Tag)
    assert all(spec.permitted and len(spec.lengths) for spec in TLVS.values())


@pytest.mark.parametrize("spec", TLVS.values(), ids=lambda spec: spec.tag.name)
def test_row(spec: TlvSpec) -> None:
    command = min(spec.permitted)
    low, high = min(spec.lengths), max(spec.lengths)
    assert check_tlv(Tlv(spec.tag, bytes(low)), command) == S.ESME_ROK
    assert check_tlv(Tlv(spec.tag, bytes(high + 1)), command) == S.ESME_RINVPARLEN
    if low:
        assert check_tlv(Tlv(spec.tag, bytes(low - 1)), command) == S.ESME_RINVPARLEN
    assert check_tlv(Tlv(spec.tag, bytes(low)), CommandId.enquire_link) == S.ESME_ROPTPARNOTALLWD
    if spec.values is not None:
        top = max(spec.values)
        assert check_tlv(Tlv(spec.tag, top.to_bytes(high, "big")), command) == S.ESME_ROK
        assert check_tlv(Tlv(spec.tag, (top + 1).to_bytes(high, "big")), command) == S.ESME_RINVOPTPARAMVAL


@pytest.mark.parametrize("spec", TLVS.values(), ids=lambda spec: spec.tag.name)
def test_value(spec: TlvSpec) -> None:
    value = value_of(Tlv(spec.tag, b"12\0"))
    assert value == {TlvKind.INTEGER: 0x313200, TlvKind.C_OCTETS: "12", TlvKind.OCTETS: b"12\0"}[spec.kind]


def test_value_of_an_unknown_tlv() -> None:
    assert value_of(Tlv(0x1402, b"612\0")) == b"612\0"
