"""Reads the gateway's receipts without mercy: every field of Appendix B, and TLVs that say the same."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.smpp.codec import find_tlv
from gateway.smpp.constants import (
    ESM_TYPE,
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_RECEIPT,
    MessageState,
    Tag,
)
from gateway.smpp.pdus import DeliverSm
from gateway.smpp.receipts import STATS

_APPENDIX_B = re.compile(
    rb"id:(\S{1,64}) sub:(\d{3}) dlvrd:(\d{3}) submit date:(\d{10}|\d{12}|\d{14}) "
    rb"done date:(\d{10}|\d{12}|\d{14}) stat:([A-Z]{7}) err:(\S{3}) [tT]ext:(.*)",
    re.DOTALL,
)
_STAT_STATES = {stat.encode(): int(state) for state, stat in STATS.items()}
_MOST_TEXT = 20


class Told(NamedTuple):
    """What a receipt tells; `faults` are the ways in which it is not as the specification has it."""

    message_id: str
    stat: str
    final: bool
    faults: tuple[str, ...] = ()


def read_receipt(pdu: DeliverSm) -> Told | None:
    """What a deliver_sm tells, or None if it is a reply and no receipt."""
    kind = pdu.esm_class & ESM_TYPE
    if kind not in (ESM_TYPE_RECEIPT, ESM_TYPE_INTERMEDIATE):
        return None
    final = kind == ESM_TYPE_RECEIPT
    match = _APPENDIX_B.fullmatch(pdu.short_message)
    message_id = (find_tlv(pdu.tlvs, Tag.receipted_message_id) or b"").rstrip(b"\0")
    if match is None:
        return Told(message_id.decode("latin-1"), "", final, ("a receipt's text is not that of Appendix B",))
    text_id, sub, dlvrd, _, _, stat, _, text = match.groups()
    faults = []
    state = find_tlv(pdu.tlvs, Tag.message_state)
    if pdu.tlvs and message_id != text_id:
        faults.append("receipted_message_id is not the id of the text")
    if state is not None and _STAT_STATES.get(stat) != state[0]:
        faults.append("message_state is not the stat of the text")
    if final and (dlvrd != sub) == (_STAT_STATES.get(stat) == MessageState.DELIVERED):
        faults.append("dlvrd does not agree with stat")
    if len(text) > _MOST_TEXT:
        faults.append("more than 20 characters of text in a receipt")
    return Told(text_id.decode("latin-1"), stat.decode("ascii"), final, tuple(faults))
