"""Receipts as a carrier writes them (SMPP 3.4 section 2.11 and Appendix B), tidy or not."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from gateway.smpp.constants import ESM_TYPE_INTERMEDIATE, ESM_TYPE_RECEIPT, MessageState, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm
from simulator.smsc.messages import Message, Numbers

TEXT_LIMIT = 254
_DATE_FORMATS = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}
_STAT: dict[int, str] = {
    MessageState.DELIVERED: "DELIVRD",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.REJECTED: "REJECTD",
}


def receipt(
    message: Message, numbers: Numbers, state: int, done_at: float, final: bool = True
) -> DeliverSm | DataSm:
    """The PDU that tells of `state`; with `final` false an intermediate notification."""
    how = message.receipts
    text = b"" if how.style == "tlv" else _text(message, numbers, state, done_at)
    tlvs = () if how.style == "text" else _tlvs(message, numbers, state)
    text = _wrapped(text, how.encoding)
    if how.by == "data_sm" or how.payload or len(text) > TEXT_LIMIT:
        tlvs = (Tlv(Tag.message_payload, text), *tlvs)
        text = b""
    for extra in how.tlvs:
        tlvs = (*tlvs, Tlv(extra.tag, extra.value))
    source, destination = message.destination, message.source
    esm_class = ESM_TYPE_RECEIPT if final else ESM_TYPE_INTERMEDIATE
    if how.by == "data_sm":
        return DataSm(
            service_type=message.service_type,
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            source_addr=source.number,
            dest_addr_ton=destination.ton,
            dest_addr_npi=destination.npi,
            destination_addr=destination.number,
            esm_class=esm_class if how.esm_class is None else how.esm_class,
            tlvs=tlvs,
        )
    return DeliverSm(
        service_type=message.service_type,
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.number,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.number,
        esm_class=esm_class if how.esm_class is None else how.esm_class,
        data_coding=8 if how.encoding == "told_ucs2" else 0,
        short_message=text,
        tlvs=tlvs,
    )


def _wrapped(text: bytes, encoding: str) -> bytes:
    """A receipt's text as a carrier wraps it that does not send it plain."""
    if encoding in ("ucs2", "told_ucs2"):
        return text.decode("latin-1").encode("utf-16-be")
    if encoding == "quoted_printable":
        return b"".join(b"=%02X" % octet if octet in b":=\r\n" else bytes((octet,)) for octet in text)
    return text.hex().encode() if encoding == "hex" else text


def _text(message: Message, numbers: Numbers, state: int, done_at: float) -> bytes:
    how = message.receipts
    name = MessageState(state).name
    return how.layout.format(
        id=numbers.in_text(message.number, message.short_id),
        sub="001",
        dlvrd="001" if state == MessageState.DELIVERED else "000",
        submit_date=_date(int(message.submitted_at), how.dates),
        done_date=_date(int(done_at), how.dates),
        stat=how.stat.get(name) or _STAT.get(state, name),
        err=_error(message, name),
        text=message.text[: how.text_length].decode("latin-1"),
    ).encode("latin-1", "replace")


def _tlvs(message: Message, numbers: Numbers, state: int) -> tuple[Tlv, ...]:
    told = numbers.in_tlv(message.number, message.short_id).encode("latin-1") + b"\0"
    tlvs = (Tlv(Tag.receipted_message_id, told), Tlv(Tag.message_state, bytes((state,))))
    network_type = message.receipts.network_type
    if network_type is None:
        return tlvs
    error = _error(message, MessageState(state).name)
    code = int(error) if error.isdecimal() else 0
    return (*tlvs, Tlv(Tag.network_error_code, bytes((network_type,)) + code.to_bytes(2, "big")))


def _error(message: Message, name: str) -> str:
    return message.receipts.errors.get(name, "000" if name in ("DELIVERED", "ENROUTE", "ACCEPTED") else "001")


def query_date(moment: float) -> str:
    """A unix time as final_date of a query_sm_resp has it, in UTC (section 7.1.1)."""
    return datetime.fromtimestamp(moment, UTC).strftime("%y%m%d%H%M%S000+")


@lru_cache(maxsize=64)
def _date(second: int, digits: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime(_DATE_FORMATS[digits])
