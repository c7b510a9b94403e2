"""What carriers say of people by the codes of their refusals: the number goes on a list, by itself."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.filters.suppression import ListKey, ListType, Scope
from gateway.relay.batch import Batch
from gateway.relay.book import Entry
from gateway.relay.breaking import Breaking
from gateway.relay.carrier import Carrier
from gateway.relay.people import People
from gateway.relay.webhooks import Webhooks
from gateway.settings.carriers import CodeMeaning
from gateway.smpp.constants import CommandStatus
from gateway.smpp.receipts import Receipt

LISTS: Mapping[CodeMeaning, ListType] = {
    "opted_out": ListType.TENANT_OPTOUT,
    "do_not_disturb": ListType.CARRIER_DND,
    "complaint": ListType.REGULATOR_COMPLAINT,
    "invalid": ListType.INVALID,
    "reassigned": ListType.REASSIGNED,
}
OF_TENANT = ("opted_out", "complaint")
"""What concerns the sender of the message alone; the rest is so whoever sends."""


class Codes:
    """Reads the codes of refusals and receipts as carriers.yaml explains them."""

    def __init__(self, people: People, breaking: Breaking, webhooks: Webhooks) -> None:
        self.people = people
        self.breaking = breaking
        self.webhooks = webhooks

    def refused(self, carrier: Carrier, entry: Entry, status: int, batch: Batch) -> None:
        """A carrier has refused a submit."""
        statuses = carrier.settings.people.statuses
        if statuses:
            name = CommandStatus(status).name
            self._believe(carrier, entry, statuses.get(name), name, batch)

    def receipt(self, carrier: Carrier, entry: Entry, receipt: Receipt, batch: Batch) -> None:
        """A carrier's receipt says that a message did not reach the person."""
        errors = carrier.settings.people.errors
        if not errors:
            return
        code = receipt.network_error_code
        for said in (
            receipt.err,
            receipt.err.lstrip("0"),
            receipt.stat,
            "" if code is None else str(code[1]),
        ):
            if said and said in errors:
                self._believe(carrier, entry, errors[said], said, batch)
                return

    def _believe(
        self, carrier: Carrier, entry: Entry, meaning: CodeMeaning | None, code: str, batch: Batch
    ) -> None:
        message = entry.message
        pdu = message.pdu
        digits = self.people.persons.digits(message.tenant, pdu.destination_addr, pdu.dest_addr_ton)
        if meaning is None or digits is None or message.by:
            return
        scope = Scope(message.tenant) if meaning in OF_TENANT else Scope()
        key = ListKey(LISTS[meaning], scope, f"carrier:{carrier.name}")
        if self.people.is_on(key, digits):
            return
        evidence = f"{carrier.name} says {code} to message {message.id}"
        self.people.suppress(key, digits, batch, by="carrier", evidence=evidence)
        if meaning in OF_TENANT:
            told = {"tenant": message.tenant, "account": message.account, "number": digits, "code": code}
            self.webhooks.tell("opt_out", told, batch)
            what = "opt_outs" if meaning == "opted_out" else "complaints"
            program = self.people.persons.program(message)
            who = message.account, message.tenant, program
            self.breaking.count(what, *who, carrier.name, batch)
