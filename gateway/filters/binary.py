"""The filter of binary messages: what is not text, or is meant for a program on the handset."""

from __future__ import annotations

from typing import ClassVar

from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message, MtPdu
from gateway.settings.content import Binary as Settings
from gateway.smpp.concat import ports_of
from gateway.smpp.constants import ESM_UDHI
from gateway.smpp.text import alphabet_of


class Binary:
    """Refuses 8-bit data, and texts addressed to a port that is not allowed."""

    name: ClassVar[str] = "binary"
    alike: ClassVar[bool] = True

    def __init__(self, settings: Settings, place: str = "") -> None:
        self._allowed = frozenset(settings.ports)
        self._place = place

    def judge(self, message: Message, now: float) -> Verdict | None:
        """A refusal if any segment is for a program or is no text."""
        if not message.segments and not message.pdu.tlvs and not message.pdu.esm_class & ESM_UDHI:
            return None if message.text is not None else self._no_text(message.pdu)
        ports = [
            found for each in message.segments or (message,) if (found := ports_of(each.pdu)) is not None
        ]
        strange = [found.destination for found in ports if found.destination not in self._allowed]
        if strange:
            return self._refuse("port", f"addressed to port {strange[0]}")
        for each in message.segments or (message,):
            if not ports and not alphabet_of(each.pdu.data_coding, message.default_alphabet):
                return self._no_text(each.pdu)
        return None

    def _no_text(self, pdu: MtPdu) -> Verdict:
        return self._refuse("data_coding", f"no text: data_coding {pdu.data_coding}")

    def _refuse(self, rule: str, detail: str) -> Verdict:
        return Verdict(Action.REFUSE, self.name, rule, self._place, REASONS["binary_refused"], detail)
