"""What goes to a carrier by the client's own octets is what it would be if it were put together anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Message
from gateway.relay.outbound import as_it_came, outbound
from gateway.smpp.codec import encode
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm

ACCEPTED = 1_790_000_000_000
OCTETS = st.integers(0, 255)
ADDRESSES = st.text("+0123456789abcÉ", max_size=20)
TLVS = st.lists(st.builds(Tlv, st.integers(0, 0xFFFF), st.binary(max_size=9)), max_size=2).map(tuple)
SUBMITS = st.builds(
    SubmitSm,
    sequence_number=st.integers(1, 0x7FFFFFFF),
    command_status=st.integers(0, 0xFFFFFFFF),
    service_type=st.sampled_from(["", "CMT"]),
    source_addr_ton=OCTETS,
    source_addr_npi=OCTETS,
    source_addr=ADDRESSES,
    dest_addr_ton=OCTETS,
    dest_addr_npi=OCTETS,
    destination_addr=ADDRESSES,
    esm_class=OCTETS,
    protocol_id=OCTETS,
    priority_flag=OCTETS,
    schedule_delivery_time=st.sampled_from(["", "", "260921221320000+"]),
    validity_period=st.sampled_from(["", "", "000000001000000R", "260921221320000+"]),
    registered_delivery=OCTETS,
    replace_if_present_flag=st.sampled_from([0, 0, 1]),
    data_coding=OCTETS,
    sm_default_msg_id=OCTETS,
    short_message=st.binary(max_size=254),
    tlvs=st.just(()) | TLVS,
)


def message(pdu: SubmitSm | DataSm) -> Message:
    found = Message(1, "bank", "Bank", "1", ACCEPTED, pdu, "otp", 1, ACCEPTED + 86_400_000)
    found.octets = encode(pdu)
    return found


@given(SUBMITS, st.sampled_from([0, 999, 1000, 60_000]))
def test_the_clients_octets_are_the_message(pdu: SubmitSm, waited: int) -> None:
    came = message(pdu)
    frame = as_it_came(came, ACCEPTED + waited)
    assert frame in (b"", encode(outbound(came, ACCEPTED + waited)))
    owned = pdu.tlvs or pdu.schedule_delivery_time or pdu.replace_if_present_flag
    runs = pdu.validity_period.endswith("R") and waited >= 1000
    assert bool(frame) is not bool(owned or runs)


def test_what_is_no_submit_sm_is_put_together() -> None:
    assert as_it_came(message(DataSm(destination_addr="8619912340001")), ACCEPTED) == b""
