"""What reading and writing texts, parts and receipts costs: `python benchmarks/bench_text.py [word ...]`."""

from collections.abc import Callable
from datetime import UTC, datetime

from timing import report

from gateway.smpp.concat import body_of, concat_element, make_udh, parse_udh, part_of
from gateway.smpp.constants import ESM_TYPE_RECEIPT, ESM_UDHI, MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DeliverSm, SubmitSm
from gateway.smpp.receipts import Told, canonical_id, format_date, parse_receipt, receipt_frame
from gateway.smpp.text import choose_encoding, decode_text, segment_text

PLAIN = ("Your parcel will be delivered tomorrow between 9 and 12; reply 1 to change the time. " * 2)[:160]
BRACKETS = "[Bank] 482913 is your code; 5 minutes. {never tell it} " + "x" * 60
CHINESE = "【示例银行】您的验证码是482913,五分钟内有效,请勿告诉他人。" * 2
COMMON = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2401021504 done date:2401021505 stat:DELIVRD err:000 "
    b"text:Your parcel will be "
)
WILD = (
    b"sub:001 id:74e02ee1-4e2f-4a6e-a78b-4b247d756a22 err:000 dlvrd:001 done date:110206193110 "
    b"submit date:110206193041 text: stat:DELIVRD"
)
RECEIPT_TLVS = (Tlv(Tag.receipted_message_id, b"0123456789\0"), Tlv(Tag.message_state, b"\2"))


def calls() -> dict[str, Callable[[], object]]:
    """The measured calls, by name."""
    gsm = choose_encoding(PLAIN)[1]
    escaped = choose_encoding(BRACKETS)[1]
    utf16 = choose_encoding(CHINESE)[1]
    udh = make_udh(concat_element(7, 2, 1))
    long = SubmitSm(esm_class=ESM_UDHI, short_message=udh + gsm[:153])
    short = SubmitSm(short_message=gsm)
    common = DeliverSm(esm_class=ESM_TYPE_RECEIPT, short_message=COMMON)
    with_tlvs = common._replace(tlvs=RECEIPT_TLVS)
    wild = common._replace(short_message=WILD)
    tlvs_only = with_tlvs._replace(short_message=b"")
    moment = format_date(datetime(2024, 1, 2, 15, 4, 5, tzinfo=UTC))
    told = Told(MessageState.DELIVERED, moment, moment)
    return {
        "decode_text, 160 GSM characters": lambda: decode_text(gsm, 0),
        "decode_text, 115 GSM characters, 4 escaped": lambda: decode_text(escaped, 0),
        "decode_text, 70 UCS-2 characters": lambda: decode_text(utf16, 8),
        "decode_text, Latin-1": lambda: decode_text(gsm, 3),
        "choose_encoding, 160 GSM characters": lambda: choose_encoding(PLAIN),
        "choose_encoding, 70 UCS-2 characters": lambda: choose_encoding(CHINESE),
        "segment_text, 480 GSM characters": lambda: segment_text(PLAIN * 3, 7),
        "part_of and body_of, whole": lambda: (part_of(short), body_of(short)),
        "part_of and body_of, a part": lambda: (part_of(long), body_of(long)),
        "parse_udh": lambda: parse_udh(udh),
        "parse_receipt, common layout": lambda: parse_receipt(common),
        "parse_receipt, common layout and TLVs": lambda: parse_receipt(with_tlvs),
        "parse_receipt, TLVs only": lambda: parse_receipt(tlvs_only),
        "parse_receipt, wild": lambda: parse_receipt(wild),
        "receipt_frame": lambda: receipt_frame(
            "", (1, 1, "447700900123"), (1, 1, "10690001"), ESM_TYPE_RECEIPT, "0123456789", told
        ),
        "canonical_id, hex": lambda: canonical_id("038601FA", "hex"),
        "canonical_id, exact": lambda: canonical_id("0123456789", "exact"),
    }


if __name__ == "__main__":
    report("gateway.smpp: text, concat, receipts", calls())
