"""alert_notification: a carrier says that a handset can be reached; the account of the address it names is
told.

It has no response and is not stored (SMPP 3.4, section 4.12): with nobody bound to hear it, it is counted
and gone.
"""

from __future__ import annotations

from collections import Counter

from gateway.relay.batch import Outgoing
from gateway.relay.replies import Replies
from gateway.smpp.events import WrongState
from gateway.smpp.pdus import AlertNotification


class Alerts:
    """Relays alert_notifications to the accounts."""

    def __init__(self, replies: Replies, outgoing: Outgoing) -> None:
        self.replies = replies
        self.outgoing = outgoing
        self.counts: Counter[str] = Counter()

    def relay(self, pdu: AlertNotification) -> None:
        """Tell one receiving session of the account that owns esme_addr."""
        account = self.replies.owner(pdu.esme_addr, pdu.source_addr, None)
        for receiver in account.outbox.receivers if account is not None else ():
            try:
                receiver.protocol.send(pdu)
            except WrongState:
                continue
            self.outgoing.add(receiver.protocol)
            self.counts["relayed"] += 1
            return
        self.counts["unheard"] += 1
