"""Replies from handsets: which account owns the number they were sent to, and their way into its outbox.

One in several parts is read, and goes on, when all of them have come, by whatever bind and in whatever
order, or after a stated time: a word that was cut in two is still the word. Until then each part is on disk
before the carrier is answered.

The account with the longest matching number owns a reply, extension digits allowed; among several of the
same number the one whose keyword begins the text, else the one that wrote to that handset from that number
last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from twisted.logger import Logger

from gateway.relay.accounts import Account, Accounts
from gateway.relay.batch import Batch
from gateway.relay.carrier import Carrier
from gateway.relay.clocks import Clocks
from gateway.relay.ids import Ids
from gateway.relay.writers import Writers
from gateway.smpp.codec import decode, encode
from gateway.smpp.concat import Part, body_of, part_of, ports_of, udh_of
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.text import DefaultAlphabet, decode_parts
from gateway.store.rows import Kind, OutboxRow, StrayRow

log = Logger(__name__)

LONGEST_SHORT_MESSAGE = 254
UDHI = 0x40
MOST_LONG = 10_000  # long replies that are gathered at once: the oldest gives way as it is
PART = "part"  # carrier_message_id of a stored part of a long reply; empty for a reply that nobody owns
_SAR = frozenset({Tag.sar_msg_ref_num, Tag.sar_total_segments, Tag.sar_segment_seqnum})

MoPdu = DeliverSm | DataSm
Heard = Callable[[Account | None, str, DeliverSm, str | None, Batch], None]
Handset = Callable[[str, str, int], tuple[str, int]]
"""The number of a handset, and its type, of what a carrier says they are."""
LongKey = tuple[str, str, Part]


@dataclass(slots=True)
class LongReply:
    """The parts of one long reply that are stored, by number: the seq of each and its PDU."""

    total: int
    deadline: int
    parts: dict[int, tuple[int, DeliverSm]] = field(default_factory=dict)


class Replies:
    """Passes replies on. `outbox_ms` is how long one waits for its client, `timeout_ms` the parts of a long
    one for each other; `alphabet` is what a carrier's data_coding 0 means, None where nobody has said.
    """

    def __init__(self, accounts: Accounts, seqs: Ids, stray_seqs: Ids, clocks: Clocks) -> None:
        self.accounts = accounts
        self.seqs = seqs
        self.stray_seqs = stray_seqs
        self.clocks = clocks
        self.outbox_ms = 7 * 86_400_000
        self.timeout_ms = 300_000
        self.counts: Counter[str] = Counter()
        self.heard: Heard = lambda account, carrier, reply, text, batch: None
        self.alphabet: Callable[[str], DefaultAlphabet | None] = lambda carrier: None
        self.handset: Handset = lambda carrier, number, ton: (number, ton)
        self.writers = Writers()
        self._long: dict[LongKey, LongReply] = {}

    def owner(self, number: str, handset: str, text: str | None) -> Account | None:
        """The account that owns a reply from `handset` to `number`."""
        number = number.lstrip("+")
        best: list[Account] = []
        longest = 0
        for account in self.accounts:
            for own in account.settings.numbers if not account.removed else ():
                own = own.lstrip("+")
                if number.startswith(own) and len(own) >= longest:
                    best = [*best, account] if len(own) == longest else [account]
                    longest = len(own)
        if len(best) == 1:
            return best[0]
        if best and text and (words := text.split(maxsplit=1)):
            word = words[0].casefold()
            for account in best:
                if word in (keyword.casefold() for keyword in account.settings.keywords):
                    return account
        last = self.accounts.get(self.writers.account(handset.lstrip("+"), number))
        if last is not None and not last.removed and (not best or last in best):
            return last
        return best[0] if best else None

    def take(self, carrier: Carrier, pdu: MoPdu, batch: Batch) -> None:
        """One deliver_sm or data_sm that is no receipt; it is stored with the batch."""
        self.counts["replies"] += 1
        reply = as_deliver_sm(pdu)
        part = part_of(reply)
        if part is None or part.total < 2:
            self._whole(carrier.name, [reply], 1, batch)
            return
        seq = self._keep(carrier.name, PART, reply, batch)
        self.gather(carrier.name, seq, reply, part, batch)
        while len(self._long) > MOST_LONG:
            self._finish(next(iter(self._long)), batch)

    def pass_on(self, account: Account, reply: DeliverSm, batch: Batch) -> None:
        """Put a reply into the account's outbox."""
        now = self.clocks.now_ms()
        row = OutboxRow(
            self.seqs.take(), account.name, None, Kind.REPLY, now, now + self.outbox_ms, 0, encode(reply)
        )
        batch.changes.enqueue(row)
        batch.told.append((account.outbox, row))

    def _whole(self, carrier: str, replies: Sequence[DeliverSm], total: int, batch: Batch) -> None:
        """A reply, in one piece or in the parts of it that came, is read, obeyed and passed on."""
        first = replies[0]
        stated = self.alphabet(carrier)
        text = text_of(replies, stated or "gsm7")
        handset, _ = self.handset(carrier, first.source_addr, first.source_addr_ton)
        account = self.owner(first.destination_addr, handset, text)
        if stated is None and account is not None and account.settings.default_alphabet != "gsm7":
            text = text_of(replies, account.settings.default_alphabet)
        if account is None:
            self.counts["unowned"] += 1
            for reply in replies:
                self._keep(carrier, "", reply, batch)
            log.warn("a reply to {number} belongs to no account; it is kept", number=first.destination_addr)
        else:
            joins = account.settings.replies == "joined" and len(replies) == total > 1
            for reply in [join(replies)] if joins else replies:
                self.pass_on(account, reply, batch)
        self.heard(account, carrier, first, text, batch)

    def _keep(self, carrier: str, what: str, reply: DeliverSm, batch: Batch) -> int:
        seq = self.stray_seqs.take()
        now = self.clocks.now_ms()
        batch.changes.stray(StrayRow(seq, carrier, what, reply.source_addr, now, encode(reply)))
        return seq

    # long replies

    def restore(self, row: StrayRow, batch: Batch) -> None:
        """A stored part of a long reply, after a restart."""
        reply = decode(row.pdu)
        part = part_of(reply) if isinstance(reply, DeliverSm) else None
        if isinstance(reply, DeliverSm) and part is not None:
            self.gather(row.carrier, row.seq, reply, part, batch)

    def gather(self, carrier: str, seq: int, reply: DeliverSm, part: Part, batch: Batch) -> None:
        """Put a stored part to its siblings; when all are there the whole reply goes on in their place.

        One that comes again takes the place of the first; another one of the same number begins another reply
        under the same reference.
        """
        key = carrier, f"{reply.source_addr}>{reply.destination_addr}", part._replace(number=0)
        long = self._long.get(key)
        if long is not None and part.number in long.parts:
            before, same = long.parts[part.number]
            if body_of(same) == body_of(reply):
                batch.changes.unstray(before)
            else:
                self._finish(key, batch)
                long = None
        if long is None:
            long = self._long[key] = LongReply(part.total, self.clocks.now_ms() + self.timeout_ms)
        long.parts[part.number] = seq, reply
        if len(long.parts) == long.total:
            self._finish(key, batch)

    def overdue(self, batch: Batch) -> None:
        """Long replies whose missing parts never came are read and go on as they are."""
        now = self.clocks.now_ms()
        for key in [key for key, long in self._long.items() if long.deadline <= now]:
            self._finish(key, batch)

    def _finish(self, key: LongKey, batch: Batch) -> None:
        """Read the parts of a long reply that are there, and let them go on."""
        long = self._long[key]
        self._whole(key[0], [long.parts[number][1] for number in sorted(long.parts)], long.total, batch)
        for seq, _ in long.parts.values():
            batch.changes.unstray(seq)
        del self._long[key]


def text_of(replies: Sequence[DeliverSm], alphabet: DefaultAlphabet) -> str | None:
    """What the handset wrote: the text of all parts, None if none is text. What is said to be octets and is
    plain ASCII is read: some carriers say so of everything, and STOP is STOP.
    """
    text = decode_parts([(body_of(reply), reply.data_coding, udh_of(reply)) for reply in replies], alphabet)
    if text is None and all(ports_of(reply) is None for reply in replies):
        octets = b"".join(map(body_of, replies))
        return octets.decode("ascii") if octets.isascii() and octets.decode("ascii").isprintable() else None
    return text


def join(replies: Sequence[DeliverSm]) -> DeliverSm:
    """One deliver_sm of all parts, without their headers; in message_payload if it is long (SMPP 3.4,
    5.3.2.32).
    """
    octets = b"".join(body_of(reply) for reply in replies)
    first = replies[0]
    tlvs = tuple(tlv for tlv in first.tlvs if tlv.tag not in _SAR and tlv.tag != Tag.message_payload)
    first = first._replace(esm_class=first.esm_class & ~UDHI, tlvs=tlvs, short_message=b"")
    if len(octets) <= LONGEST_SHORT_MESSAGE:
        return first._replace(short_message=octets)
    return first._replace(tlvs=(*tlvs, Tlv(Tag.message_payload, octets)))


def as_deliver_sm(pdu: MoPdu) -> DeliverSm:
    """A carrier's data_sm as the deliver_sm that clients expect; addresses that are too long are cut."""
    if isinstance(pdu, DeliverSm):
        return pdu._replace(sequence_number=0)
    return DeliverSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr[:20],
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr[:20],
        esm_class=pdu.esm_class,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=pdu.tlvs,
    )
