"""A message as one carrier wants it, by the `rewrite` of its settings: one PDU, or one for each segment.

Where no rule is for something it stays as it was. A carrier without TLVs has rules without saying so: it gets
no data_sm, no SAR TLVs and no message_payload. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.message import Message, MtPdu
from gateway.relay.addressing import Address, SourceWriter, Unfit, Writer
from gateway.relay.recoding import Body, Recoder, cut, part_header
from gateway.relay.rewriting import LONGEST_SHORT_MESSAGE, filled
from gateway.settings.rewriting import Rewrite, Validity
from gateway.smpp.concat import (
    CONCAT_8,
    CONCAT_16,
    LOCKING_SHIFT,
    SINGLE_SHIFT,
    Element,
    Part,
    body_of,
    make_sar,
    part_of,
    udh_of,
    user_data_of,
)
from gateway.smpp.constants import ESM_UDHI, CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.smpptime import format_absolute, format_relative

SAR_TAGS = frozenset({Tag.sar_msg_ref_num, Tag.sar_total_segments, Tag.sar_segment_seqnum})
NEEDED = SAR_TAGS | {Tag.message_payload}
TRANSACTION = 2
LONGEST_RELATIVE = timedelta(days=31)


class Adapter:
    """What one carrier's settings make of messages."""

    def __init__(self, rules: Rewrite) -> None:
        self.rules = rules
        self.idle = rules == Rewrite()
        self._source = SourceWriter(rules.source)
        self._destination = Writer(rules.destination)
        self._shown_as_it_is = not rules.destination.replace
        self._recoder = Recoder(rules.charset)
        self._tlvs_idle = rules.tlvs == type(rules.tlvs)()

    def adapt(self, pdu: MtPdu, message: Message, now_ms: int, *, bare: bool = False) -> list[MtPdu]:
        """The PDU, which the gateway's own fields are in already, as the carrier wants it; `bare`: it gets no
        TLVs. Raises Unfit.
        """
        if isinstance(pdu, DataSm) and (bare if self.rules.data_sm is None else not self.rules.data_sm):
            pdu = as_submit(pdu)
        if not self.idle:
            pdu = self._addressed(self._fields(pdu, message, now_ms))
            if not self._tlvs_idle:
                pdu = pdu._replace(tlvs=self._tlvs(pdu.tlvs))
        if self._recoder.idle and self.rules.long == "kept" and not bare:
            return [pdu]
        return self._said(pdu, message, bare)

    def shown(self, destination: str) -> str:
        """A destination as the carrier knows it, and will name it in its receipts."""
        if self._shown_as_it_is:
            return destination
        try:
            return self._destination.write(Address(1, 1, destination)).number
        except Unfit:
            return destination

    def handset(self, number: str, ton: int) -> tuple[str, int]:
        """The number of a handset that has written by this carrier, and its type."""
        return self._destination.handset(number, ton)

    # single fields

    def _fields(self, pdu: MtPdu, message: Message, now_ms: int) -> MtPdu:
        rules = self.rules
        if rules.service_type:
            kinds = rules.service_type
            pdu = pdu._replace(service_type=kinds.get(pdu.service_type, kinds.get("*", pdu.service_type)))
        if rules.receipt_bits is not None:
            pdu = pdu._replace(registered_delivery=rules.receipt_bits)
        if rules.mode is not None:
            pdu = pdu._replace(esm_class=pdu.esm_class & ~0x03 | rules.mode)
        if not isinstance(pdu, SubmitSm):
            return pdu
        if rules.protocol_id is not None:
            pdu = pdu._replace(protocol_id=rules.protocol_id)
        if rules.priority:
            asked = str(pdu.priority_flag)
            flag = rules.priority.get(asked, rules.priority.get("*", pdu.priority_flag))
            pdu = pdu._replace(priority_flag=flag)
        return pdu._replace(
            validity_period=validity(rules.validity, pdu.validity_period, message.expires_at, now_ms)
        )

    def _addressed(self, pdu: MtPdu) -> MtPdu:
        if not self._source.idle:
            source = Address(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
            to = self._destination.international(pdu.destination_addr)
            ton, npi, number = self._source.write(source, to)
            pdu = pdu._replace(source_addr_ton=ton, source_addr_npi=npi, source_addr=number)
        if not self._destination.idle:
            destination = Address(pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr)
            ton, npi, number = self._destination.write(destination)
            pdu = pdu._replace(dest_addr_ton=ton, dest_addr_npi=npi, destination_addr=number)
        return pdu

    def _tlvs(self, tlvs: tuple[Tlv, ...]) -> tuple[Tlv, ...]:
        rules = self.rules.tlvs
        kept = [t for t in tlvs if t.tag not in rules.remove or t.tag == Tag.message_payload]
        if rules.only is not None:
            kept = [t for t in kept if t.tag in rules.only or t.tag in NEEDED]
        there = {t.tag for t in kept}
        kept += [Tlv(tag, value) for tag, value in rules.add.items() if tag not in there]
        missing = [tag for tag in rules.required if tag not in there and tag not in rules.add]
        if missing:
            raise Unfit(f"it has no TLV {missing[0]:#06x}", CommandStatus.ESME_RMISSINGOPTPARAM)
        return tuple(kept)

    # the text

    def _said(self, pdu: MtPdu, message: Message, bare: bool) -> list[MtPdu]:
        """The PDU with its text as the carrier can read it, or one for each segment."""
        udh = udh_of(pdu)
        octets = body_of(pdu)
        body = self._recoder.body(octets, pdu.data_coding, udh, message.default_alphabet)
        same = not body.anew
        dropped = {CONCAT_8, CONCAT_16} | (set() if same else {LOCKING_SHIFT, SINGLE_SHIFT})
        elements = tuple(e for e in (udh.elements if udh is not None else ()) if e[0] not in dropped)
        part = part_of(pdu)
        if part is not None:
            return [self._segment(pdu, body, part, elements, same, bare)]
        return self._whole(pdu, body, elements, same, bare, message.id)

    def _segment(
        self, pdu: MtPdu, body: Body, part: Part, elements: tuple[Element, ...], same: bool, bare: bool
    ) -> MtPdu:
        """A client's own segment, in the form that the carrier wants."""
        kind: str = part.kind
        if self.rules.long in ("udh8", "udh16") or (self.rules.long == "sar" and not elements):
            kind = self.rules.long
        if bare and kind == "sar":
            kind = "udh8"
        if same and kind == part.kind:
            return pdu
        header = part_header(elements, kind, part.reference, part.total, part.number)
        if same and kind == "udh16" and not body.one(len(header)):
            return pdu  # one octet more than there is room for: it stays with its header of 8 bits
        if not same and not body.one(len(header) or 7):
            raise Unfit("a segment does not fit any more when encoded anew", CommandStatus.ESME_RINVMSGLEN)
        tlvs = tuple(t for t in pdu.tlvs if t.tag not in SAR_TAGS)
        if kind == "sar":
            tlvs += make_sar(part.reference, part.total, part.number)
        return _with(pdu._replace(tlvs=tlvs), body, body.octets, header)

    def _whole(
        self,
        pdu: MtPdu,
        body: Body,
        elements: tuple[Element, ...],
        same: bool,
        bare: bool,
        reference: int,
    ) -> list[MtPdu]:
        """What is no segment: as it is, or cut where it is longer than the carrier takes it."""
        long = self.rules.long
        header = part_header(elements, "sar", 0, 1, 1)
        said = user_data_of(pdu)
        in_payload = _in_payload(pdu)
        as_one = long == "kept" and self._fits_as_kept(body, said, in_payload, bare, same)
        if as_one or body.one(len(header)):
            if same and (not in_payload or long in ("kept", "payload")):
                return [pdu]
            payload = in_payload and long in ("kept", "payload")
            return [_with(pdu, body, body.octets, header, payload=payload)]
        if long == "payload" and not bare:
            return [_with(pdu, body, body.octets, header, payload=True)]
        kind = "udh8" if long in ("kept", "payload") or (long == "sar" and (bare or elements)) else long
        segments = cut(body, elements, kind, reference)
        if len(segments) == 1:  # it fits where nothing is beside it
            return [_with(pdu, body, body.octets, header)]
        cutted = []
        for number, (own, octets) in enumerate(segments, 1):
            sar = make_sar(reference & 0xFFFF, len(segments), number) if kind == "sar" else ()
            cutted.append(_with(pdu._replace(tlvs=pdu.tlvs + sar), body, octets, own))
        return cutted

    @staticmethod
    def _fits_as_kept(body: Body, said: bytes, in_payload: bool, bare: bool, same: bool) -> bool:
        """Whether a text that is too long for one short message goes as one: as its client has sent it."""
        if bare:
            return same and len(said) <= LONGEST_SHORT_MESSAGE
        longer = len(said) > body.encoded.limit(0)  # its client leaves it to the carrier to cut it
        return same or (longer and (in_payload or len(body.octets) <= LONGEST_SHORT_MESSAGE))


def _with(pdu: MtPdu, body: Body, octets: bytes, header: bytes, *, payload: bool = False) -> MtPdu:
    """The PDU with this text: in short_message, but where it is too long for that or there is none."""
    user_data = body.sent(octets, header)
    payload = payload or not isinstance(pdu, SubmitSm) or len(user_data) > LONGEST_SHORT_MESSAGE
    esm_class = pdu.esm_class | ESM_UDHI if header else pdu.esm_class & ~ESM_UDHI
    return filled(pdu._replace(esm_class=esm_class), body.data_coding, user_data, payload)


def _in_payload(pdu: MtPdu) -> bool:
    return any(tlv.tag == Tag.message_payload and tlv.value for tlv in pdu.tlvs)


def as_submit(pdu: DataSm) -> SubmitSm:
    """A data_sm as the submit_sm that says the same; its text stays in message_payload."""
    for address in (pdu.source_addr, pdu.destination_addr):
        if len(address) > 20:
            raise Unfit("an address is too long for submit_sm", CommandStatus.ESME_RINVDSTADR)
    lives = next((int.from_bytes(t.value) for t in pdu.tlvs if t.tag == Tag.qos_time_to_live), None)
    left = None if lives is None else min(timedelta(seconds=max(1, lives)), LONGEST_RELATIVE)
    mode = pdu.esm_class & 0x03
    return SubmitSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class & ~0x03 if mode == TRANSACTION else pdu.esm_class,
        validity_period="" if left is None else format_relative(left),
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=tuple(t for t in pdu.tlvs if t.tag != Tag.qos_time_to_live),
    )


def validity(rules: Validity, asked: str, expires_at: int, now_ms: int) -> str:
    """validity_period in the form that the carrier wants, and no longer than it takes it."""
    if rules.form == "omitted" or (rules.form == "kept" and (rules.most is None or not asked)):
        return "" if rules.form == "omitted" else asked
    left = timedelta(seconds=max(1, (expires_at - now_ms) // 1000))
    if rules.most is not None:
        if rules.form == "kept" and left.total_seconds() <= rules.most:
            return asked
        left = min(left, timedelta(seconds=rules.most))
    if rules.form == "absolute" or (rules.form == "kept" and not asked.endswith("R")):
        return format_absolute(datetime.fromtimestamp(now_ms / 1000, UTC) + left)
    return format_relative(min(left, LONGEST_RELATIVE))
