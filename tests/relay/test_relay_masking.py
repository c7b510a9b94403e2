"""What a trace shows of a PDU: no number and no text of a person, and never a password."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.masking import shown
from gateway.smpp import pdus
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import Tag
from gateway.smpp.fields import DistributionList, SmeAddress, Tlv, UnsuccessSme

PERSON = "8619912340001"
TEXT = b"your code is 482913"
CALLBACK = Tlv(Tag.callback_num, b"\x01\x01\x01" + PERSON.encode())
OF_NO_NAME = Tlv(0x1501, PERSON.encode())

OF_PEOPLE: list[Any] = [
    pdus.SubmitSm(destination_addr=PERSON, short_message=TEXT, tlvs=(CALLBACK, OF_NO_NAME)),
    pdus.SubmitSm(destination_addr="12340001", source_addr=PERSON, short_message=TEXT),
    pdus.SubmitSm(destination_addr=PERSON, tlvs=(Tlv(Tag.message_payload, TEXT),)),
    pdus.SubmitSm(destination_addr=PERSON, data_coding=8, short_message=TEXT.decode().encode("utf-16-be")),
    pdus.DataSm(source_addr=PERSON, destination_addr=PERSON, tlvs=(Tlv(Tag.message_payload, TEXT),)),
    pdus.DeliverSm(source_addr=PERSON, destination_addr="10690001", short_message=TEXT),
    pdus.SubmitMulti(
        dest_addresses=(SmeAddress(1, 1, PERSON), DistributionList("friends")), short_message=TEXT
    ),
    pdus.SubmitMultiResp(message_id="1", unsuccess_sme=(UnsuccessSme(1, 1, PERSON, 11),)),
    pdus.CancelSm(message_id="1", source_addr="10690001", destination_addr=PERSON),
    pdus.ReplaceSm(message_id="1", source_addr=PERSON, short_message=TEXT),
    pdus.QuerySm(message_id="1", source_addr=PERSON),
    pdus.AlertNotification(source_addr=PERSON, esme_addr="10690001"),
]
SECRETS: list[Any] = [
    pdus.BindTransceiver(system_id="shop", password="s3cret"),
    pdus.BindReceiver(system_id="shop", password="s3cret"),
    pdus.BindTransmitter(system_id="shop", password="s3cret"),
    pdus.Outbind(system_id="smsc", password="s3cret"),
]


@pytest.mark.parametrize("pdu", OF_PEOPLE, ids=lambda pdu: type(pdu).__name__)
def test_no_number_and_no_text_is_left(pdu: Any) -> None:
    frame = encode(pdu._replace(sequence_number=77))
    seen = shown(frame, whole=False)
    for part in (PERSON.encode(), b"482913", "482913".encode("utf-16-be"), b"12340001"):
        assert part not in seen.frame
    again = decode(seen.frame)
    assert again == seen.pdu
    assert (again.command_id, again.sequence_number) == (pdu.command_id, 77)
    assert shown(frame, whole=True).frame == frame


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("pdu", SECRETS, ids=lambda pdu: type(pdu).__name__)
def test_a_password_is_never_shown(pdu: Any, whole: bool) -> None:
    frame = encode(pdu)
    seen = shown(frame, whole=whole)
    assert b"s3cret" not in seen.frame
    assert getattr(seen.pdu, "system_id", "") == pdu.system_id
    cut = frame[:3] + bytes((len(frame) - 2,)) + frame[4:-2]  # a bind that cannot be read
    broken = shown(cut, whole=whole)
    assert b"s3cret" not in broken.frame
    assert broken.pdu is None or b"s3cret" not in encode(broken.pdu)


def test_of_a_receipt_all_is_shown_but_its_text() -> None:
    said = b"id:8a sub:001 dlvrd:001 submit date:2609211413 done date:2609211413 stat:DELIVRD err:000 text:"
    receipt = pdus.DeliverSm(source_addr=PERSON, esm_class=4, short_message=said + b"482913")
    assert shown(encode(receipt), whole=False).pdu.short_message == said + b"******"  # type: ignore[union-attr]
    reply = receipt._replace(esm_class=0)  # a person who writes like that is a person
    assert set(shown(encode(reply), whole=False).pdu.short_message) == set(b"*")  # type: ignore[union-attr]


def test_the_header_of_a_segment_stays() -> None:
    header = bytes.fromhex("050003a70201")
    pdu = pdus.SubmitSm(destination_addr=PERSON, esm_class=0x40, short_message=header + TEXT)
    seen: Any = shown(encode(pdu), whole=False).pdu
    assert seen.short_message == header + b"*" * len(TEXT)


@given(body=st.binary(max_size=60), command=st.sampled_from([0x4, 0x5, 0x9, 0x21, 0x103, 0x77, 0x80000004]))
def test_what_cannot_be_read_is_not_shown_to_who_may_not_see(body: bytes, command: int) -> None:
    frame = (16 + len(body)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(8) + body
    seen = shown(frame, whole=False)
    if seen.pdu is None:
        assert seen.frame == frame[:16] + bytes(len(body))
