"""What handsets write, and what carriers tell besides: to the account that owns it, waiting if need be."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from testing_ports import free_ports
from whole_clients import Esme, Legacy, bound, handset, submit
from whole_house import PASSWORD, Build, House, Upstream, wait_until

from gateway.smpp.codec import find_tlv
from gateway.smpp.concat import body_of, part_of
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import AlertNotification, Outbind

HANDSET = "8619912340001"


@pytest.fixture(scope="module")
def outbind_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def house(build: Build, outbind_port: int) -> House:
    accounts = {
        "bank": {"numbers": ["1069"]},
        "shop": {"numbers": ["10690002", "1070"], "keywords": ["shop"], "replies": "joined"},
        "club": {"numbers": ["1070"], "keywords": ["Club"]},
        "old": {"numbers": ["1080"], "replies": "joined"},
        "called": {
            "numbers": ["1090"],
            "outbind": {
                "endpoint": f"tcp:127.0.0.1:{outbind_port}",
                "password": "${WHOLE_PASSWORD}",
                "interval": "1s",
            },
        },
    }
    return build(
        accounts=accounts,
        carriers={
            "alpha": Upstream(binds=({"mode": "transmitter"}, {"mode": "receiver"})),
            "beta": Upstream(),
        },
        routes=[{"name": "default", "carriers": ["alpha", "beta"]}],
    ).start()


def reply(house: House, number: str, text: str, source: str = HANDSET, **more: Any) -> None:
    """Let a handset write, by alpha unless told otherwise."""
    house.tell("reply", **({"from": source, "to": number, "text": text, "carrier": "alpha"} | more))


def taken(house: House) -> None:
    """Until every reply of the carriers has been taken by the gateway."""

    def all_taken() -> bool:
        counters = house.tell("counters")["carriers"].values()
        return all(c.get("replies_delivered", 0) == c.get("replies_sent", 0) for c in counters)

    wait_until(all_taken, "the replies are taken")


def test_a_reply_goes_to_the_account_that_owns_the_number(house: House) -> None:
    with Legacy(house.port) as bank, bound(house.port, system_id="shop") as shop:
        reply(house, "10690001", "hello bank")
        bank.until(lambda: bank.deliveries or None, "reply")
        (pdu,) = bank.deliveries
        assert (pdu.source_addr, pdu.destination_addr) == (HANDSET.encode(), b"10690001")
        assert (pdu.short_message, pdu.esm_class) == (b"hello bank", 0)
        assert shop.rest() == []


def test_the_longest_number_owns_with_extension_digits(house: House) -> None:
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        reply(house, "1069000277", "hello shop", carrier="beta")
        assert shop.delivery().short_message == b"hello shop"
        reply(house, "106977", "hello bank", carrier="beta")
        assert bank.delivery().short_message == b"hello bank"


@pytest.mark.parametrize(("text", "owner"), [("SHOP please", "shop"), ("club news", "club")])
def test_the_keyword_decides_of_a_number_that_two_own(house: House, text: str, owner: str) -> None:
    with bound(house.port, system_id=owner) as esme:
        reply(house, "1070", text)
        assert esme.delivery().short_message == text.encode()


@pytest.mark.parametrize("owner", ["shop", "club"])
def test_else_who_wrote_to_the_handset_last_from_it(house: House, owner: str) -> None:
    number = handset()
    with bound(house.port, system_id=owner) as esme:
        esme.receipt(esme.submit(number, source_addr="1070"))
        reply(house, "1070", "yes", source=number)
        assert esme.delivery().short_message == b"yes"


def test_replies_wait_for_a_client_that_is_away(house: House) -> None:
    for n in range(5):
        reply(house, "10690001", f"number {n}")
    taken(house)
    with bound(house.port, "transmitter") as sender:
        assert sender.rest() == []
    with bound(house.port, "receiver") as receiver:
        assert [pdu.short_message for pdu in receiver.exactly(5)] == [
            f"number {n}".encode() for n in range(5)
        ]


def test_address_range_chooses_the_session_of_a_reply(house: House) -> None:
    with (
        bound(house.port, "receiver", address_range="10691*") as one,
        bound(house.port, "receiver", address_range="^10692") as other,
    ):
        reply(house, "106911", "to one")
        reply(house, "106922", "to other")
        assert one.delivery().short_message == b"to one"
        assert other.delivery().short_message == b"to other"


@pytest.mark.parametrize("text", ["long " * 60, "长回复" * 50, "🙂" * 80])
@pytest.mark.parametrize("payload", [False, True])
def test_a_long_reply_comes_joined_or_in_segments(house: House, text: str, payload: bool) -> None:
    encoded = text.encode("utf-16-be") if not text.isascii() else text.encode()
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        reply(house, "1069", text, payload=payload)
        parts = [bank.delivery() for _ in range(1 if payload else len(_segments(text)))]
        assert b"".join(body_of(pdu) for pdu in parts) == encoded
        assert all((part_of(pdu) is None) == payload for pdu in parts)
        reply(house, "10690002", text, payload=payload)
        joined = shop.delivery()
        assert (part_of(joined), body_of(joined)) == (None, encoded)
        assert shop.rest() == bank.rest() == []


def _segments(text: str) -> list[object]:
    from gateway.smpp.text import segment_text

    return list(segment_text(text, 1))


def test_a_reply_too_long_for_version_3_3_holds_up_nothing(house: House) -> None:
    """It has no place without TLVs; what comes after it does."""
    with bound(house.port, system_id="old", interface_version=0x33) as old:
        reply(house, "1080", "long " * 60)
        taken(house)
        reply(house, "1080", "short")
        assert old.delivery().short_message == b"short"
    with bound(house.port, system_id="old") as new:
        assert find_tlv(new.delivery().tlvs, Tag.message_payload) == b"long " * 60


def test_a_reply_that_nobody_owns_is_kept_and_answered(house: House) -> None:
    reply(house, "5555", "anybody?")
    taken(house)
    wait_until(lambda: "belongs to no account" in house.log(), "it is logged")
    assert HANDSET not in house.log()


def test_a_refused_reply_is_the_clients_business(house: House) -> None:
    with bound(house.port) as esme:
        esme.answer = lambda pdu: CommandStatus.ESME_RX_R_APPN
        reply(house, "1069", "no, thanks")
        esme.delivery()
        assert esme.rest() == []
    taken(house)


def test_alert_notification_goes_to_the_account_that_is_named(house: House) -> None:
    with bound(house.port) as bank, bound(house.port, system_id="shop") as shop:
        house.tell("alert", **{"from": HANDSET, "esme": "10690001", "carrier": "beta"})
        alert = bank.other()
        assert isinstance(alert, AlertNotification)
        assert (alert.source_addr, alert.esme_addr) == (HANDSET, "10690001")
        shop.ping()


def test_loopback_between_two_accounts_mixes_nothing(house: House) -> None:
    with bound(house.port) as bank, bound(house.port, system_id="club") as club:
        for n in range(20):
            reply(house, "10691", f"bank {n}", carrier=("alpha", "beta")[n % 2])
            reply(house, "1070", f"club {n}", carrier=("beta", "alpha")[n % 2])
        assert {pdu.short_message for pdu in bank.exactly(20)} == {f"bank {n}".encode() for n in range(20)}
        assert {pdu.short_message for pdu in club.exactly(20)} == {f"club {n}".encode() for n in range(20)}


def test_a_client_is_called_by_outbind_and_binds_on_that_line(house: House, outbind_port: int) -> None:
    with socket.create_server(("127.0.0.1", outbind_port)) as listener:
        listener.settimeout(20)
        reply(house, "1090", "somebody there?")
        connection, _ = listener.accept()
        with Esme(0, connection) as esme:
            outbind = esme.other()
            assert isinstance(outbind, Outbind)
            assert (outbind.system_id, outbind.password) == ("gateway", PASSWORD)
            assert esme.bind("receiver", system_id="called").command_status == 0
            assert esme.delivery().short_message == b"somebody there?"


def test_receipts_and_replies_come_side_by_side(house: House) -> None:
    with bound(house.port) as esme:
        sequences = esme.send(*[submit(handset()) for _ in range(50)])
        for n in range(10):
            reply(house, "1069", f"reply {n}")
        for one in sequences:
            esme.receipt(esme.response(one).message_id)
        assert {pdu.short_message for pdu in esme.exactly(10)} == {f"reply {n}".encode() for n in range(10)}


def test_nobody_broke_the_protocol(house: House) -> None:
    assert house.tell("faults") == {"count": {}, "last": []}
