"""Carriers with habits of their own, and with faults: each message still has its one, right receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from whole_clients import Esme, bound, err, handset, receipted, stat, submit
from whole_house import Build, House, Upstream, wait_until

QUICK_RETRY = {
    "statuses": {
        "ESME_RTHROTTLED": {"tries": 20, "delay": "100ms", "pause": "100ms"},
        "ESME_RMSGQFUL": {"tries": 20, "delay": "100ms", "pause": "100ms"},
        "ESME_RSYSERR": {"tries": 2, "delay": "100ms"},
    }
}
BINDS = ({"mode": "transmitter"}, {"mode": "receiver"})
LAYOUT = "stat:{stat}  done date:{done_date} id:{id} Text:{text} err:{err}"


def rule(times: int | None = None, **do: Any) -> dict[str, Any]:
    """One rule for submit_sm; `times` how often it acts."""
    return {"match": {} if times is None else {"times": times}, "do": do}


def faulty(*rules: dict[str, Any], **settings: Any) -> Upstream:
    """A carrier with rules, and patience for a second."""
    return Upstream({"rules": list(rules)}, {"response": "1s", "unanswered": "resend"} | settings)


HABITS = {
    "plain": Upstream(),
    "receipt before the response": Upstream({"receipts": {"before_response": True}}),
    "receipt well before the response": Upstream(
        {"receipts": {"before_response": True}, "rules": [rule(delay="200ms")]}
    ),
    "receipts doubled": Upstream({"receipts": {"copies": 3}}),
    "receipts again later": Upstream({"receipts": {"copies": 2, "copy_delay": "200ms"}}),
    "receipts on another bind": Upstream(
        {"receipts": {"bind": "other"}}, binds=({"mode": "transceiver", "count": 3},)
    ),
    "transmitter and receiver": Upstream({"receipts": {"bind": "any"}}, binds=BINDS),
    "before, on the receiver, doubled": Upstream(
        {"receipts": {"before_response": True, "bind": "any", "copies": 2}}, binds=BINDS
    ),
    "hex ids, decimal in the text": Upstream(
        {"ids": {"response": "hex", "text": "dec", "tlv": "hex"}, "receipts": {"style": "text"}},
        {"ids": {"response": "hex", "receipt": "dec"}},
    ),
    "decimal ids, hex in the TLV": Upstream(
        {"ids": {"response": "dec", "text": "dec", "tlv": "HEX"}, "receipts": {"style": "tlv"}},
        {"ids": {"response": "dec", "receipt": "hex"}},
    ),
    "padded hex": Upstream(
        {"ids": {"response": "hex10", "text": "HEX8", "tlv": "HEX8"}},
        {"ids": {"response": "hex", "receipt": "hex"}},
    ),
    "padded decimal": Upstream(
        {"ids": {"response": "dec12", "text": "dec", "tlv": "dec"}},
        {"ids": {"response": "dec", "receipt": "dec"}},
    ),
    "ids with a prefix": Upstream({"ids": {"prefix": "GW-"}}),
    "text only": Upstream({"receipts": {"style": "text"}}),
    "TLVs only": Upstream({"receipts": {"style": "tlv"}}),
    "text in message_payload": Upstream({"receipts": {"payload": True, "style": "text"}}),
    "14 digits": Upstream({"receipts": {"dates": 14, "style": "text"}}),
    "12 digits": Upstream({"receipts": {"dates": 12, "style": "text"}}),
    "fields in another order": Upstream({"receipts": {"layout": LAYOUT, "style": "text"}}),
    "fields missing": Upstream({"receipts": {"layout": "id:{id} stat:{stat}", "style": "text"}}),
    "unknown TLVs everywhere": Upstream(
        {
            "receipts": {"tlvs": [{"tag": 0x1401, "value": "00ff"}]},
            "rules": [rule(tlvs=[{"tag": 0x1402, "value": "aabb"}, {"tag": 0x1402, "value": ""}])],
        }
    ),
    "version 3.3": Upstream({"interface_version": "3.3"}, {"interface_version": "3.3"}),
    "no version told": Upstream({"interface_version": "none"}),
    "version 5.0": Upstream({"interface_version": "5.0"}, {"interface_version": "5.0"}),
    "responses reordered": Upstream({"rules": [rule(reorder=5)]}),
    "responses doubled": Upstream({"rules": [rule(copies=2)]}),
    "responses in single octets": Upstream({"rules": [rule(split=1)]}),
    "slow and a small window": Upstream(
        {"limits": {"window": 4}, "response": "30ms"}, {"window": 4, "retry": QUICK_RETRY}
    ),
    "a small window over three binds": Upstream(
        {"limits": {"window": 4}, "response": "30ms"},
        {"window": 4},
        binds=({"mode": "transceiver", "count": 3},),
    ),
    "a rate": Upstream({"limits": {"rate": 50, "burst": 8}}, {"rate": 40, "retry": QUICK_RETRY}),
    "throttled at first": Upstream({"rules": [rule(5, status="ESME_RTHROTTLED")]}, {"retry": QUICK_RETRY}),
    "full at first, with bodies": Upstream(
        {"rules": [rule(5, status="ESME_RMSGQFUL", body=True)]}, {"retry": QUICK_RETRY}
    ),
    "replies by generic_nack at first": Upstream(
        {"rules": [rule(5, status="ESME_RTHROTTLED", nack=True)]}, {"retry": QUICK_RETRY}
    ),
}
"""Carriers with whom every message is delivered, and submitted once or until it is taken."""

FAULTS = {
    "silent at first": faulty(rule(3, silence=True)),
    "wrong sequence number": faulty(rule(1, sequence="wrong", accepted=False)),
    "sequence number 0": faulty(rule(1, sequence="zero", accepted=False)),
    "cut by FIN before": faulty(rule(1, cut="fin")),
    "cut by RST before": faulty(rule(1, cut="reset")),
    "cut in the middle": faulty(rule(1, cut="reset", cut_when="middle")),
    "cut by FIN in the middle": faulty(rule(1, cut="fin", cut_when="middle")),
    "length too short": faulty(rule(1, length="short", accepted=False)),
    "length too long": faulty(rule(1, length="long", accepted=False)),
    "length huge": faulty(rule(1, length="huge", accepted=False)),
    "garbage": faulty(rule(1, garbage=40, accepted=False)),
    "unbinds": faulty(rule(1, unbind=True)),
    "unbinds by itself": Upstream({"timers": {"unbind": "300ms"}}, {"unanswered": "resend"}),
    "takes no enquire_link": Upstream(
        {"rules": [{"match": {"command": "enquire_link", "times": 2}, "do": {"silence": True}}]},
        {"enquire_link": "500ms", "response": "500ms", "unanswered": "resend"},
    ),
    "refuses the bind at first": Upstream(
        {
            "rules": [
                {
                    "match": {"command": "bind_transceiver", "times": 3},
                    "do": {"status": "ESME_RBINDFAIL"},
                }
            ]
        }
    ),
}
"""Carriers that fail a few times; what is unanswered is sent again, so that each message is delivered."""

REFUSALS: dict[str, tuple[Upstream, tuple[str, str]]] = {
    "no such number": (Upstream({"rules": [rule(status="ESME_RINVDSTADR")]}), ("REJECTD", "011")),
    "refused with a body": (
        Upstream({"rules": [rule(status="ESME_RSUBMITFAIL", body=True)]}),
        ("REJECTD", "069"),
    ),
    "refused by generic_nack": (
        Upstream({"rules": [rule(status="ESME_RINVCMDID", nack=True)]}),
        ("REJECTD", "003"),
    ),
    "a vendor's status": (Upstream({"rules": [rule(status=0x0400)]}), ("REJECTD", "999")),
    "always out of order": (
        Upstream(
            {"rules": [rule(status="ESME_RSYSERR")]},
            {"retry": QUICK_RETRY, "health": {"pause": "20ms", "longest": "40ms"}},
        ),
        ("UNDELIV", "008"),
    ),
    "undeliverable": (
        Upstream({"outcomes": {"UNDELIVERABLE": 1}, "receipts": {"errors": {"UNDELIVERABLE": "069"}}}),
        ("UNDELIV", "069"),
    ),
    "rejected": (Upstream({"outcomes": {"REJECTED": 1}}), ("REJECTD", "001")),
    "expired": (Upstream({"outcomes": {"EXPIRED": 1}}), ("EXPIRED", "001")),
    "a word of its own": (
        Upstream(
            {
                "outcomes": {"UNDELIVERABLE": 1},
                "receipts": {"style": "text", "stat": {"UNDELIVERABLE": "FAILED"}},
            }
        ),
        ("UNDELIV", "001"),
    ),
    "never a receipt": (
        Upstream({"outcomes": {"NEVER": 1}}, {"receipt_timeout": "1s", "no_receipt": "expired"}),
        ("EXPIRED", "000"),
    ),
    "never an answer": (
        Upstream({"rules": [rule(silence=True)]}, {"response": "1s"}),
        ("UNKNOWN", "254"),
    ),
    "accepted is final": (
        Upstream({"outcomes": {"ACCEPTED": 1}}, {"accepted_is_final": True}),
        ("ACCEPTD", "000"),
    ),
}
SAME_IDS = {"same ids": "DELIVRD", "same ids, undelivered": "UNDELIV"}
TWINS = {
    "same ids": Upstream({"ids": {"first": 1000}, "receipts": {"delay": "100ms"}}),
    "same ids, undelivered": Upstream(
        {"ids": {"first": 1000}, "outcomes": {"UNDELIVERABLE": 1}, "receipts": {"delay": "100ms"}}
    ),
}
ALL = TWINS | HABITS | FAULTS | {name: upstream for name, (upstream, _) in REFUSALS.items()}
PREFIX = {name: f"8615{index:03d}" for index, name in enumerate(ALL)}
MANY = 12


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    return build(
        accounts={"bank": {"window": 1000}},
        carriers=ALL,
        routes=[
            {"name": name, "match": {"destination": [prefix]}, "carriers": [name]}
            for name, prefix in PREFIX.items()
        ],
    ).start()


def deliver(house: House, name: str, ended: Callable[[Any], Any] = stat) -> Counter[Any]:
    """Send a few messages by one carrier; how they ended. Each must have one receipt, with its own number."""
    numbers = [handset(PREFIX[name]) for _ in range(MANY)]
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(number, f"to {number}".encode()) for number in numbers])
        ids = {esme.response(one).message_id: number for one, number in zip(sequences, numbers, strict=True)}
        assert len(ids) == MANY
        receipts = [_own(esme, message_id, number) for message_id, number in ids.items()]
        assert [receipted(pdu) for pdu in esme.rest(0.4 if "again" in name else 0.1)] == []
    return Counter(ended(receipt) for receipt in receipts)


def _own(esme: Esme, message_id: str, number: str) -> Any:
    receipt = esme.receipt(message_id)
    assert receipt.source_addr == number
    return receipt


@pytest.mark.parametrize("name", HABITS)
def test_habits(house: House, name: str) -> None:
    assert deliver(house, name) == {"DELIVRD": MANY}
    assert house.status()["messages"].get("sent", 0) == 0


@pytest.mark.parametrize("name", FAULTS)
def test_faults(house: House, name: str) -> None:
    assert deliver(house, name) == {"DELIVRD": MANY}
    wait_until(lambda: house.status()["carriers"][name]["unfinished"] == 0, "nothing is left open")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_and_ends(house: House, name: str) -> None:
    _, ended = REFUSALS[name]
    assert deliver(house, name, lambda receipt: (stat(receipt), err(receipt))) == {ended: MANY}


def test_a_line_cut_after_the_answer_loses_no_receipt(house: House) -> None:
    """The whole process is told to cut its lines while receipts are on their way."""
    name = "plain"
    numbers = [handset(PREFIX[name]) for _ in range(200)]
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(number) for number in numbers])
        for how in ("reset", "fin"):
            house.tell("cut", carrier=name, how=how)
            wait_until(lambda: house.bound(name), "it is bound again")
        ids = [esme.response(one).message_id for one in sequences]
        ends = Counter(stat(esme.receipt(one)) for one in ids)
    assert sum(ends.values()) == 200
    assert set(ends) <= {"DELIVRD", "UNKNOWN"}


def test_no_tlvs_go_to_a_carrier_that_does_not_know_them(house: House) -> None:
    from gateway.smpp.fields import Tlv

    for name in ("version 3.3", "no version told"):
        number = handset(PREFIX[name])
        with bound(house.port) as esme:
            esme.receipt(esme.submit(number, tlvs=(Tlv(0x1403, b"x"),)))
        (seen,) = house.sent_to(number)
        assert seen.pdu.tlvs == ()


def test_without_tlvs_a_long_text_is_cut_a_short_one_moved_and_data_sm_replaced(house: House) -> None:
    from gateway.smpp.constants import Tag
    from gateway.smpp.fields import Tlv
    from gateway.smpp.pdus import DataSm

    name = "version 3.3"
    short, long, other = (handset(PREFIX[name]) for _ in range(3))
    with bound(house.port) as esme:
        message_id = esme.submit(short, b"", tlvs=(Tlv(Tag.message_payload, b"short enough"),))
        assert stat(esme.receipt(message_id)) == "DELIVRD"
        message_id = esme.submit(long, b"", tlvs=(Tlv(Tag.message_payload, b"long " * 60),))
        assert stat(esme.receipt(message_id)) == "DELIVRD"
        payload = Tlv(Tag.message_payload, b"there is no data_sm in version 3.3")
        data = DataSm(source_addr="10690001", destination_addr=other, registered_delivery=1, tlvs=(payload,))
        assert stat(esme.receipt(esme.ask(data).message_id)) == "DELIVRD"
        assert esme.rest(0.1) == []
    (seen,) = house.sent_to(short)
    assert (seen.pdu.short_message, seen.pdu.tlvs) == (b"short enough", ())
    segments = [seen.pdu for seen in house.sent_to(long)]
    assert [(pdu.esm_class & 0x40, pdu.tlvs) for pdu in segments] == [(0x40, ())] * 2
    assert b"".join(pdu.short_message[6:] for pdu in segments) == b"long " * 60
    (seen,) = house.sent_to(other)
    assert (seen.pdu.short_message, seen.pdu.tlvs) == (payload.value, ())
    assert house.sent_to(other, "data_sm") == []


def test_two_carriers_that_give_the_same_ids_are_kept_apart(house: House) -> None:
    """The carriers of these tests all count from their seed; two of them are made to begin alike."""
    pairs = [
        (name, handset(PREFIX[name])) for _ in range(5) for name in ("same ids", "same ids, undelivered")
    ]
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(number) for _, number in pairs])
        for (name, number), one in zip(pairs, sequences, strict=True):
            receipt = esme.receipt(esme.response(one).message_id)
            assert (receipt.source_addr, stat(receipt)) == (number, SAME_IDS[name])
    ids = [[s.pdu.message_id for s in house.captured("submit_sm_resp", "out", name)] for name in SAME_IDS]
    assert ids[0] == ids[1]


def test_a_rate_is_counted_in_pdus_and_kept(house: House) -> None:
    name = "a rate"
    numbers = [handset(PREFIX[name]) for _ in range(60)]
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(number) for number in numbers])
        for one in sequences:
            esme.receipt(esme.response(one).message_id)
    counters = house.tell("counters")["carriers"][name]
    assert counters.get("over_limit", 0) == 0


def test_nobody_broke_the_protocol(house: House) -> None:
    assert house.tell("faults") == {"count": {}, "last": []}
