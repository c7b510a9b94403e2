"""Receipts on their way to the client: to any of its sessions, once, late, refused, put off."""

from __future__ import annotations

import pytest
from whole_clients import SOURCE, Esme, Legacy, bound, handset, receipted, stat, submit
from whole_house import Build, House, Upstream, wait_until

from gateway.smpp.constants import CommandStatus

SLOW, INTERMEDIATE, FAILED, NEVER = "861981", "861982", "861983", "861984"


@pytest.fixture(scope="module")
def house(build: Build) -> House:
    rules = [
        {"match": {"destination": SLOW}, "do": {"receipts": {"delay": "500ms"}}},
        {
            "match": {"destination": INTERMEDIATE},
            "do": {"receipts": {"delay": "200ms", "intermediate": 0, "when": "always"}},
        },
        {"match": {"destination": FAILED}, "do": {"outcome": "UNDELIVERABLE"}},
        {"match": {"destination": NEVER}, "do": {"outcome": "NEVER"}},
    ]
    return build(
        accounts={"bank": {}, "shop": {}, "club": {"receipts": {"dates": 14, "time_zone": "Asia/Shanghai"}}},
        carriers={"alpha": Upstream({"rules": rules, "receipts": {"errors": {"UNDELIVERABLE": "034"}}})},
        routes=[{"name": "default", "carriers": ["alpha"]}],
        node={"timers": {"response": "1s", "enquire_link": "20s"}},
    ).start()


def outbox(house: House, account: str) -> int:
    """How many deliver_sm wait for an account, those on the wire included."""
    return int(house.status()["accounts"][account]["outbox"])


def settled(house: House, account: str) -> None:
    """Until nothing waits for an account."""
    wait_until(lambda: outbox(house, account) == 0, f"the outbox of {account} is empty")


def shared(sessions: tuple[Esme, ...], count: int) -> list[list[str]]:
    """So many receipts over all sessions, by session; all of them are read in turn."""
    got: list[list[str]] = [[] for _ in sessions]

    def complete() -> bool:
        for session, ids in zip(sessions, got, strict=True):
            ids += [receipted(pdu) or "" for pdu in session.rest(0.05)]
        return sum(map(len, got)) >= count

    wait_until(complete, f"{count} receipts")
    return got


def test_a_transmitters_receipt_goes_to_the_receiver(house: House) -> None:
    with Legacy(house.port, "transmitter") as sender, Legacy(house.port, "receiver") as receiver:
        ids = [sender.submit(handset()) for _ in range(5)]
        for message_id in ids:
            receiver.receipt(message_id)
        assert sender.deliveries == []
        assert len(receiver.deliveries) == 5


def test_receipts_are_shared_among_the_receiving_sessions(house: House) -> None:
    with bound(house.port, "receiver") as one, bound(house.port, "receiver") as other:
        with bound(house.port, "transmitter") as sender:
            ids = sorted(sender.submit(handset()) for _ in range(20))
        got = shared((one, other), 20)
    assert sorted(got[0] + got[1]) == ids
    assert got[0]
    assert got[1]


def test_another_account_hears_nothing_of_it(house: House) -> None:
    with bound(house.port, "transmitter") as sender, bound(house.port, system_id="shop") as stranger:
        message_id = sender.submit(handset())
        assert stranger.rest() == []
        with bound(house.port, "receiver") as receiver:
            assert stat(receiver.receipt(message_id)) == "DELIVRD"


def test_receipts_wait_for_a_client_that_was_away(house: House) -> None:
    with bound(house.port, "transmitter") as sender:
        ids = [sender.submit(handset()) for _ in range(30)]
    wait_until(lambda: outbox(house, "bank") == 30, "30 receipts wait")
    with bound(house.port, "receiver") as receiver:
        assert sorted(str(receipted(pdu)) for pdu in receiver.exactly(30)) == sorted(ids)
    settled(house, "bank")
    with bound(house.port, "receiver") as receiver:
        assert receiver.rest() == []


def test_a_client_that_leaves_before_its_receipt_gets_it_when_it_is_back(house: House) -> None:
    with bound(house.port) as esme:
        message_id = esme.submit(handset(SLOW))
    with bound(house.port) as esme:
        esme.receipt(message_id)


def test_address_range_is_respected(house: House) -> None:
    with (
        bound(house.port, "receiver", address_range="^1069") as one,
        bound(house.port, "receiver", address_range="^1070") as other,
        bound(house.port, "transmitter") as sender,
    ):
        ids = [sender.submit(handset(), source_addr=source) for source in (SOURCE, "10700001", SOURCE)]
        waits = sender.submit(handset(), source_addr="99")
        assert sorted(str(receipted(pdu)) for pdu in one.exactly(2)) == sorted([ids[0], ids[2]])
        assert [receipted(pdu) for pdu in other.exactly(1)] == [ids[1]]
        assert outbox(house, "bank") == 1
        with bound(house.port, "receiver") as anything:
            anything.receipt(waits)


def test_what_is_not_answered_comes_again_on_another_session(house: House) -> None:
    silent = bound(house.port)
    silent.answer = lambda pdu: None
    message_id = silent.submit(handset())
    silent.receipt(message_id)
    silent.close()
    with bound(house.port) as esme:
        esme.receipt(message_id)
    settled(house, "bank")


def test_a_client_that_never_answers_loses_nothing(house: House) -> None:
    with bound(house.port, "receiver") as silent, bound(house.port, "transmitter") as sender:
        silent.answer = lambda pdu: None
        message_id = sender.submit(handset())
        silent.receipt(message_id)
        silent.answer = lambda pdu: 0
        silent.receipt(message_id)  # after the response timer
    settled(house, "bank")


def test_rx_t_comes_again_later_and_holds_up_nothing(house: House) -> None:
    with bound(house.port) as esme:
        put_off: list[str] = []

        def answer(pdu: object) -> int:
            if not put_off:
                put_off.append("once")
                return int(CommandStatus.ESME_RX_T_APPN)
            return 0

        esme.answer = answer
        first = esme.submit(handset())
        esme.receipt(first)
        second = esme.submit(handset())
        esme.receipt(second)
        assert outbox(house, "bank") == 1
        esme.receipt(first)
    settled(house, "bank")


@pytest.mark.parametrize("status", [CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN])
def test_rx_p_and_rx_r_are_never_told_again(house: House, status: CommandStatus) -> None:
    with bound(house.port) as esme:
        esme.answer = lambda pdu: status
        message_id = esme.submit(handset())
        esme.receipt(message_id)
        settled(house, "bank")
        assert esme.rest() == []
    with bound(house.port) as esme:
        assert esme.rest() == []
    assert "dead letter" in house.log()


def test_a_small_window_of_the_session_is_kept(house: House) -> None:
    with bound(house.port, "receiver", system_id="club") as silent:
        silent.answer = lambda pdu: None
        with bound(house.port, "transmitter", system_id="club") as sender:
            for _ in range(3):
                sender.send(*[submit(handset()) for _ in range(50)])
            wait_until(lambda: outbox(house, "club") == 150, "150 receipts wait")
        silent.exactly(100)
    with bound(house.port, "receiver", system_id="club") as receiver:
        receiver.exactly(150)
    settled(house, "club")


def test_intermediate_notifications_are_told_to_who_asked(house: House) -> None:
    with bound(house.port) as esme:
        plain = esme.submit(handset(INTERMEDIATE))
        curious = esme.submit(handset(INTERMEDIATE), registered_delivery=0x11)
        told = esme.exactly(3)
    by_id = {
        message_id: [pdu.esm_class for pdu in told if receipted(pdu) == message_id]
        for message_id in (plain, curious)
    }
    assert by_id == {plain: [0x04], curious: [0x20, 0x04]}


def test_failures_only(house: House) -> None:
    with bound(house.port) as esme:
        esme.submit(handset(), registered_delivery=2)
        failed = esme.submit(handset(FAILED), registered_delivery=2)
        (receipt,) = esme.exactly(1)
    assert receipted(receipt) == failed
    assert b"stat:UNDELIV err:034" in receipt.short_message


def test_success_only_of_version_5_0(house: House) -> None:
    with bound(house.port, interface_version=0x50) as esme:
        good = esme.submit(handset(), registered_delivery=3)
        esme.submit(handset(FAILED), registered_delivery=3)
        assert [receipted(pdu) for pdu in esme.exactly(1)] == [good]


def test_dates_are_written_as_the_account_wants_them(house: House) -> None:
    import re
    from datetime import datetime
    from zoneinfo import ZoneInfo

    with bound(house.port, system_id="club") as esme:
        receipt = esme.receipt(esme.submit(handset()))
    found = re.search(rb"submit date:(\d+) done date:(\d+) ", receipt.short_message)
    assert found is not None
    assert len(found[1]) == len(found[2]) == 14
    written = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert abs(written.timestamp() - datetime.now().timestamp()) < 120


def test_thousands_wait_for_one_range_and_hold_up_no_other(house: House) -> None:
    """More than the memory of an outbox holds."""
    with bound(house.port, "transmitter", system_id="shop") as sender:
        for _ in range(26):
            for one in sender.send(*[submit(handset(), source_addr="1070") for _ in range(100)]):
                assert sender.response(one).command_status == 0
        wait_until(lambda: outbox(house, "shop") == 2600, "2600 receipts wait")
        with bound(house.port, "receiver", system_id="shop", address_range="^1069") as other:
            ids = [sender.submit(handset()) for _ in range(5)]
            assert sorted(str(receipted(other.receipt(one))) for one in ids) == ids
            assert other.rest() == []
            with bound(house.port, "receiver", system_id="shop", address_range="^1070") as wanted:
                got = [receipted(pdu) for pdu in wanted.exactly(2600)]
    assert len(got) == len(set(got)) == 2600
    settled(house, "shop")


def test_a_backlog_is_fetched_while_more_comes(house: House) -> None:
    """Each receipt once, though the store is read while what is new is told at once."""
    with bound(house.port, "transmitter", system_id="shop") as sender:
        ids: list[str] = []
        for _ in range(25):
            ids += [sender.response(one).message_id for one in sender.send(*[submit(handset())] * 100)]
        wait_until(lambda: outbox(house, "shop") == 2500, "2500 receipts wait")
        with bound(house.port, "receiver", system_id="shop") as receiver:
            got: list[str] = []
            for _ in range(20):
                ids += [sender.response(one).message_id for one in sender.send(*[submit(handset())] * 50)]
                got += [str(receipted(pdu)) for pdu in receiver.rest(0)]
            got += [str(receipted(pdu)) for pdu in receiver.exactly(len(ids) - len(got))]
    assert sorted(got) == sorted(ids)
    settled(house, "shop")


def test_unbind_is_answered_and_the_receipt_waits(house: House) -> None:
    legacy = Legacy(house.port)
    message_id = legacy.submit(handset(SLOW))
    legacy.__exit__()
    with bound(house.port) as esme:
        esme.receipt(message_id)


def test_a_message_that_never_ends_is_open_and_asks_nobody(house: House) -> None:
    number = handset(NEVER)
    with bound(house.port) as esme:
        esme.submit(number)
        assert esme.rest() == []
    assert len(house.sent_to(number)) == 1
    assert house.status()["messages"]["sent"] == 1


def test_reconnects_in_a_row_lose_and_double_nothing(house: House) -> None:
    ids: list[str] = []
    got: list[str] = []
    for turn in range(10):
        esme = bound(house.port)
        ids += [esme.submit(handset(SLOW)) for _ in range(5)]
        got += [str(receipted(pdu)) for pdu in esme.rest(0.1 * (turn % 3))]
        if turn % 2:
            esme.close()
        else:
            _leave(esme)
    with bound(house.port) as esme:
        while set(got) != set(ids):
            got.append(str(receipted(esme.delivery())))
    settled(house, "bank")


def _leave(esme: Esme) -> None:
    from gateway.smpp.pdus import Unbind

    esme.send(Unbind())
    assert esme.ended()
