"""What framing, reading, checking and writing PDUs costs, and what smpplib takes for it.

`python benchmarks/bench_codec.py [word ...]`
"""

from collections.abc import Callable
from typing import Any

from smpplib import smpp
from timing import report

from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import V34, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import DeliverSm, SubmitSm, SubmitSmResp
from gateway.smpp.validate import check_request

BATCH = 50
SUBMIT = SubmitSm(
    sequence_number=20456,
    source_addr_ton=5,
    source_addr="ExampleBank",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="447700900001",
    registered_delivery=1,
    short_message=b"482913 is your code; it is good for five minutes. Never tell it to anybody.",
)
SCHEDULED = SUBMIT._replace(
    validity_period="000002000000000R",
    tlvs=(Tlv(Tag.user_message_reference, b"\0\7"), Tlv(0x1402, b"offers")),
)
RECEIPT = DeliverSm(
    sequence_number=7,
    source_addr_ton=1,
    source_addr_npi=1,
    source_addr="447700900001",
    dest_addr_ton=5,
    destination_addr="ExampleBank",
    esm_class=4,
    short_message=b"id:0123456789 sub:001 dlvrd:001 submit date:2401021504 done date:2401021505 "
    b"stat:DELIVRD err:000 text:482913 is your code;",
    tlvs=(Tlv(Tag.receipted_message_id, b"0123456789\0"), Tlv(Tag.message_state, b"\2")),
)
RESPONSE = SubmitSmResp(sequence_number=20456, message_id="0123456789")


def smpplib_decode(frame: bytes) -> Any:
    """The PDU of a frame as smpplib has it."""
    return smpp.parse_pdu(frame, need_sequence=False, allow_unknown_opt_params=True)


def smpplib_submit() -> Any:
    """SUBMIT as smpplib has it; its generate() gives the frame."""
    pdu = smpp.make_pdu("submit_sm", need_sequence=False, **SUBMIT._asdict())
    pdu.sequence = SUBMIT.sequence_number
    return pdu


def calls() -> dict[str, Callable[[], object]]:
    """The measured calls, by name."""
    submit, response = encode(SUBMIT), encode(RESPONSE)
    scheduled, receipt = encode(SCHEDULED), encode(RECEIPT)
    stream = submit * BATCH
    framer = Framer(70_000)
    theirs = smpplib_submit()
    assert theirs.generate() == submit
    return {
        "decode submit_sm": lambda: decode(submit),
        "encode submit_sm": lambda: encode(SUBMIT),
        "check_request submit_sm": lambda: check_request(SUBMIT, V34),
        "decode submit_sm, validity and two TLVs": lambda: decode(scheduled),
        "encode submit_sm, validity and two TLVs": lambda: encode(SCHEDULED),
        "check_request submit_sm, validity and two TLVs": lambda: check_request(SCHEDULED, V34),
        "decode deliver_sm, a receipt with two TLVs": lambda: decode(receipt),
        "encode deliver_sm, a receipt with two TLVs": lambda: encode(RECEIPT),
        "decode submit_sm_resp": lambda: decode(response),
        "encode submit_sm_resp": lambda: encode(RESPONSE),
        f"framing, {BATCH} submit_sm in one chunk": lambda: framer.feed(stream),
        "smpplib: decode submit_sm": lambda: smpplib_decode(submit),
        "smpplib: encode submit_sm": theirs.generate,
    }


if __name__ == "__main__":
    report("gateway.smpp: codec, framing, checks", calls())
