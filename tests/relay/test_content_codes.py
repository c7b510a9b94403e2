"""What a refused client is told, written out: the codes are a promise to clients, and change for nobody."""

from __future__ import annotations

import pytest
from relay_house import MakeHouse, account, generation, name_of

from gateway.filters.verdict import REASONS, Action, Verdict
from gateway.message import Message
from gateway.smpp.constants import ESM_UDHI
from gateway.smpp.text import segment_text
from gateway.store.rows import State

BY_RECEIPT = {
    "opted_out": ("ESME_RINVDSTADR", 901),
    "suppressed": ("ESME_RINVDSTADR", 902),
    "carrier_do_not_disturb": ("ESME_RINVDSTADR", 903),
    "no_consent": ("ESME_RINVDSTADR", 904),
    "reassigned": ("ESME_RINVDSTADR", 905),
    "number_unknown": ("ESME_RINVDSTADR", 906),
    "content_blocked": ("ESME_RSUBMITFAIL", 911),
    "review_refused": ("ESME_RSUBMITFAIL", 912),
    "template_mismatch": ("ESME_RSUBMITFAIL", 913),
    "mandatory_text_missing": ("ESME_RSUBMITFAIL", 914),
    "sender_not_registered": ("ESME_RINVSRCADR", 915),
    "quiet_hours": ("ESME_RINVEXPIRY", 921),
    "frequency_cap": ("ESME_RSUBMITFAIL", 922),
}
IN_RESPONSE = {
    "category_missing": "ESME_RMISSINGOPTPARAM",
    "category_invalid": "ESME_RINVOPTPARAMVAL",
    "tlv_missing": "ESME_RMISSINGOPTPARAM",
    "tlv_invalid": "ESME_RINVOPTPARAMVAL",
}
RETRIED = {"ESME_RSYSERR", "ESME_RTHROTTLED", "ESME_RMSGQFUL", "ESME_RINVSCHED", "ESME_RX_T_APPN"}
"""What well-known clients submit again."""

TEMPORARY = {"filter_failed", "paused_for_now", "too_many_waiting"}


class Refuses:
    """Refuses everything, for a reason."""

    name = "words"

    def __init__(self, reason: str) -> None:
        self.reason = REASONS[reason]

    def judge(self, message: Message, now: float) -> Verdict | None:
        return Verdict(Action.REFUSE, self.name, "all", reason=self.reason)


@pytest.mark.parametrize("reason", BY_RECEIPT)
def test_by_receipt_unless_the_account_or_the_message_wants_it_in_the_response(
    make_house: MakeHouse, reason: str
) -> None:
    status, err = BY_RECEIPT[reason]
    accounts = {"bank": account(), "shop": account(refusals="response")}
    house = make_house(generation(accounts=accounts), words=Refuses(reason))
    told, asked = house.client("bank"), house.client("shop")
    answer = told.submit()
    assert name_of(answer.command_status) == "ESME_ROK"
    (receipt,) = told.receipts
    assert (receipt.message_id, receipt.stat, receipt.err) == (answer.message_id, "REJECTD", str(err))
    assert receipt.text == ""
    assert name_of(told.submit(registered_delivery=0).command_status) == status
    assert name_of(asked.submit().command_status) == status
    assert len(told.receipts) == 1
    assert asked.receipts == []
    assert set(house.states()) == {State.REJECTED}
    assert house.submits == []


@pytest.mark.parametrize("reason", IN_RESPONSE)
def test_errors_of_the_request_are_in_the_response_always(make_house: MakeHouse, reason: str) -> None:
    house = make_house(words=Refuses(reason))
    client = house.client()
    assert name_of(client.submit().command_status) == IN_RESPONSE[reason]
    assert client.receipts == []


@pytest.mark.parametrize("reason", ["content_blocked", "category_missing"])
@pytest.mark.parametrize("refusals", ["receipt", "response"])
def test_a_long_text_is_refused_by_receipts_of_all_its_segments(
    make_house: MakeHouse, reason: str, refusals: str
) -> None:
    """The first segment is answered before the last has come."""
    house = make_house(generation(accounts={"bank": account(refusals=refusals)}), words=Refuses(reason))
    client = house.client()
    segments = segment_text("a long text " * 30, 7)
    answers = [client.submit(esm_class=ESM_UDHI, short_message=each.short_message) for each in segments]
    assert {name_of(answer.command_status) for answer in answers} == {"ESME_ROK"}
    assert [receipt.message_id for receipt in client.receipts] == [answer.message_id for answer in answers]
    assert {receipt.stat for receipt in client.receipts} == {"REJECTD"}
    assert house.submits == []


def test_no_refusal_for_good_has_a_status_that_clients_try_again() -> None:
    again = {name for name, reason in REASONS.items() if name_of(reason.status) in RETRIED}
    assert again == TEMPORARY
    errors = [reason.err for reason in REASONS.values()]
    assert len(set(errors)) == len(errors)
    assert all(900 <= err <= 999 for err in errors)
