"""A relay in memory with a shop and a bank, the shipped packs, and every filter of people switched on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from relay_house import HANDSET, House, account, carrier, generation, submit

from gateway.filters.catalogue import make_filters
from gateway.filters.consent import ConsentEvent, EventKind
from gateway.relay.batch import Batch
from gateway.relay.protection import Protection
from gateway.settings.models import Filters, Generation, People
from gateway.smpp.pdus import DeliverSm, SubmitSm
from gateway.store.rows import MessageRow

RULES = Path(__file__).parents[2] / "config" / "rules"
SHOP, BANK = "10690002", "10690001"
SHANGHAI = ZoneInfo("Asia/Shanghai")
FILTERS = ("suppressed", "paused", "consented", "quiet", "lookup", "capped")


def shanghai(text: str) -> float:
    """The unix second of a time in China, `2026-11-20 12:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


NOON = shanghai("2026-11-20 12:00")


def people_generation(
    number: int = 1,
    quiet: dict[str, Any] | None = None,
    state: Path | None = None,
    lookup: dict[str, Any] | None = None,
    **people: Any,
) -> Generation:
    """The configuration: `people` are keys of people.yaml."""
    settings = {
        "rules": RULES,
        "tenants": {"Shop": {"program": "offers", "brand": "商店"}, "Bank": {"program": "account"}},
        **people,
    }
    accounts = {
        "shop": account(tenant="Shop", category="promotional", numbers=(SHOP,), filters="all"),
        "bank": account(tenant="Bank", category="otp", numbers=(BANK,), filters="all"),
    }
    where = {} if state is None else {"state": state}
    base = generation(accounts=accounts, carriers={"alpha": carrier()}, number=number, **where)
    filters = Filters.model_validate({"quiet": {"spread": 60, **(quiet or {})}, "lookup": lookup or {}})
    return Generation(
        **{name: getattr(base, name) for name in base.__slots__ if name not in ("people", "filters")},
        people=People.model_validate(settings),
        filters=filters,
    )


class PeopleHouse(House):
    """A house at noon in China."""

    def __init__(self, directory: Path, quiet: dict[str, Any] | None = None, **people: Any) -> None:
        settings = people_generation(quiet=quiet, **people)
        super().__init__(directory, settings, **self.fresh_filters(settings))
        self.wall = NOON
        self.shop, self.bank = self.client("shop"), self.client("bank")

    @staticmethod
    def fresh_filters(settings: Generation) -> dict[str, Any]:
        """Filters that know nothing yet, as after a start."""
        made = make_filters(settings)
        return {name: made[name] for name in FILTERS}

    def restart(self, *, committed: bool = False) -> None:
        """Crash, and come back with nothing but the store."""
        self.crash(committed=committed)
        self.filters = self.fresh_filters(self.settings)
        self.start()
        self.shop, self.bank = self.client("shop"), self.client("bank")

    @property
    def protection(self) -> Protection:
        return self.relay.protection

    def consent(self, number: str = HANDSET, kind: EventKind = EventKind.GRANTED, **fields: Any) -> None:
        """An event comes into the shop's ledger."""
        now = int(self.wall)
        usual: dict[str, Any] = {
            "basis": "express" if kind is not EventKind.REVOKED else "",
            "method": "web",
            "evidence": "form 1",
            "occurred_at": now - 1,
            "recorded_at": now,
        }
        program = fields.pop("program", "offers")
        event = ConsentEvent("Shop", program, "promotional", number, kind, **{**usual, **fields})
        batch = Batch()
        self.protection.people.record(event, batch)
        self.relay.committer.commit(batch, must=True)
        self.settle()

    def offer(self, number: str = HANDSET, text: str = "【商店】sale", **fields: Any) -> MessageRow:
        """The shop sends an offer: its row after all that follows at once."""
        self.shop.submit(source_addr=SHOP, destination_addr=number, **text_fields(text), **fields)
        return self.rows()[-1]

    def code(self, number: str = HANDSET, text: str = "【银行】123456", **fields: Any) -> MessageRow:
        """The bank sends a code."""
        self.bank.submit(source_addr=BANK, destination_addr=number, **text_fields(text), **fields)
        return self.rows()[-1]

    def reply(self, text: str, number: str = HANDSET, to: str = SHOP) -> None:
        """A handset writes."""
        self.upstream().deliver(replying(text, number, to))
        self.settle()

    def said(self, to: str = HANDSET) -> list[str]:
        """What the gateway itself has said to a handset."""
        own = {row.id for row in self.rows() if not row.client_id and row.attempts}
        ids = [row.carrier_message_id for row in self.rows() if row.id in own]
        return [
            pdu.short_message.decode("utf-16-be")
            for index, (_, pdu) in enumerate(self.submits, start=1)
            if str(index) in ids and isinstance(pdu, SubmitSm) and pdu.destination_addr == to
        ]


def text_fields(text: str) -> dict[str, Any]:
    """A text in UCS-2."""
    return {"data_coding": 8, "short_message": text.encode("utf-16-be")}


def offer_pdu(number: str = HANDSET, text: str = "【商店】sale", **fields: Any) -> SubmitSm:
    """The shop's submit_sm."""
    return submit(source_addr=SHOP, destination_addr=number, **text_fields(text), **fields)


def replying(text: str, number: str = HANDSET, to: str = SHOP) -> DeliverSm:
    """A reply from a handset."""
    return DeliverSm(source_addr=number, destination_addr=to, **text_fields(text))


def words(row: MessageRow) -> list[tuple[str, str, str]]:
    """Filter, action and rule of each word of a decision record."""
    decision = json.loads(row.decision)
    return [(word["filter"], word["action"], word["rule"]) for word in decision.get("words", ())]


MakePeople = Callable[..., PeopleHouse]
