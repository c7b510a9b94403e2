"""Receipts of a carrier that writes them in its own way, by the `receipts` of its settings."""

from __future__ import annotations

import quopri
import re

from gateway.settings.rewriting import ReceiptLayout
from gateway.smpp.concat import body_of
from gateway.smpp.constants import ESM_TYPE, ESM_TYPE_DEFAULT, MessageState
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import (
    Receipt,
    parse_receipt,
    parse_receipt_text,
    state_of,
    text_of,
    told_by_tlvs,
)

GROUPS = ("id", "stat", "err", "sub", "dlvrd", "submit_date", "done_date", "text")


class ReceiptReader:
    """Reads the receipts of one carrier."""

    def __init__(self, layout: ReceiptLayout) -> None:
        self.layout = layout
        self._pattern = re.compile(layout.pattern, re.DOTALL) if layout.pattern else None
        self._states = {word.upper(): MessageState[name.upper()] for word, name in layout.states.items()}
        self._plain = layout == ReceiptLayout()

    def read(self, pdu: DeliverSm | DataSm) -> Receipt | None:
        """What it reports; None if it is no receipt."""
        receipt = parse_receipt(pdu)
        if self._plain:
            return receipt
        if receipt is None and not (self.layout.unmarked and pdu.esm_class & ESM_TYPE == ESM_TYPE_DEFAULT):
            return None
        told = self._told(self._text(pdu))
        if receipt is None:
            return told
        return self._chosen(receipt, told or Receipt(), pdu)

    def _chosen(self, receipt: Receipt, told: Receipt, pdu: DeliverSm | DataSm) -> Receipt:
        """The receipt with what its text told, where that counts."""
        layout = self.layout
        by_tlv_id, by_tlv_state, _ = told_by_tlvs(pdu)
        message_id = {
            "either": by_tlv_id or told.message_id, "text": told.message_id, "tlv": by_tlv_id
        }[layout.id_from]  # fmt: skip
        state = {
            "either": told.state if by_tlv_state is None else by_tlv_state,
            "text": told.state,
            "tlv": by_tlv_state,
        }[layout.state_from]
        return told._replace(
            message_id=message_id,
            state=state,
            network_error_code=receipt.network_error_code,
            intermediate=receipt.intermediate,
        )

    def _told(self, text: str) -> Receipt | None:
        """What the text says; None where it does not fit the pattern."""
        if self._pattern is None:
            told = parse_receipt_text(text)
        else:
            found = self._pattern.search(text)
            if found is None:
                return None
            groups = found.groupdict()
            # In the words of the standard, so that dates, counts and states are read as any others.
            names = {"submit_date": "submit date", "done_date": "done date"}
            said = ((names.get(name, name), groups.get(name)) for name in GROUPS)
            told = parse_receipt_text(" ".join(f"{name}:{value}" for name, value in said if value))
            stat = (groups.get("stat") or "").strip()
            told = told._replace(message_id=groups.get("id") or None, stat=stat, state=state_of(stat))
        known = self._states.get(told.stat.upper())
        return told if known is None else told._replace(state=known)

    def _text(self, pdu: DeliverSm | DataSm) -> str:
        encoding = self.layout.encoding
        if encoding == "plain":
            return text_of(pdu)
        body = body_of(pdu)
        if encoding == "ucs2":
            return body.decode("utf-16-be", "replace")
        if encoding == "quoted_printable":
            return quopri.decodestring(body).decode("latin-1")
        try:
            return bytes.fromhex(body.decode("latin-1")).decode("latin-1")
        except ValueError:
            return text_of(pdu)
