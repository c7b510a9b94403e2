"""The simulated SMSC as smpplib, a client that we did not write, sees it."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
import smpplib.exceptions
from simulator_clients import HANDSET, SOURCE, Raw, next_of, port_of, send_by_smpplib, with_smpplib
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from gateway.smpp.constants import CommandStatus, MessageState
from gateway.smpp.text import decode_text
from simulator.smsc import Smsc
from simulator.smsc.center import NoSuchThing


@pytest_twisted.ensureDeferred
async def test_a_message_is_answered_and_receipted(begin: Any) -> None:
    def script(client: Any) -> tuple[Any, Any]:
        return send_by_smpplib(client), next_of(client, "deliver_sm")

    smsc = await begin()
    response, receipt = await with_smpplib(smsc, script)
    assert response.status == CommandStatus.ESME_ROK
    assert receipt.receipted_message_id == response.message_id
    assert receipt.message_state == MessageState.DELIVERED
    assert receipt.short_message.startswith(b"id:" + response.message_id + b" sub:001 dlvrd:001 submit date:")
    assert receipt.source_addr == HANDSET.encode()
    assert receipt.destination_addr == SOURCE.encode()
    assert receipt.esm_class == 4


@pytest_twisted.ensureDeferred
async def test_no_receipt_unless_asked_for(begin: Any) -> None:
    def script(client: Any) -> Any:
        first = send_by_smpplib(client, registered_delivery=0)
        second = send_by_smpplib(client)
        return first, second, next_of(client, "deliver_sm")

    smsc = await begin()
    first, second, receipt = await with_smpplib(smsc, script)
    assert receipt.receipted_message_id == second.message_id != first.message_id


@pytest_twisted.ensureDeferred
async def test_only_known_accounts_bind(begin: Any) -> None:
    smsc = await begin()
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        await with_smpplib(smsc, lambda client: None, password="wrong")
    assert refused.value.args[1] == CommandStatus.ESME_RBINDFAIL
    with pytest.raises(smpplib.exceptions.PDUError):
        await with_smpplib(smsc, lambda client: None, system_id="nobody")
    assert smsc.counters()["main"]["binds_refused"] == 2


@pytest_twisted.ensureDeferred
async def test_an_account_has_only_so_many_binds(begin: Any) -> None:
    smsc = await begin(accounts={"gateway": {"password": "pw", "binds": 1}}, refusal="ESME_RINVSYSID")

    def script(client: Any) -> int:
        second = Raw(port_of(smsc))
        status = second.bind().command_status
        second.close()
        return status

    assert await with_smpplib(smsc, script) == CommandStatus.ESME_RINVSYSID
    assert await with_smpplib(smsc, lambda client: 0) == 0


@pytest_twisted.ensureDeferred
async def test_receipts_go_to_the_receiver_of_the_account(begin: Any) -> None:
    smsc = await begin()
    receiver = with_smpplib(smsc, lambda client: next_of(client, "deliver_sm"), "receiver")
    response = await with_smpplib(smsc, send_by_smpplib, "transmitter")
    receipt = await receiver
    assert receipt.receipted_message_id == response.message_id


@pytest_twisted.ensureDeferred
async def test_what_waits_is_delivered_to_the_next_bind(begin: Any) -> None:
    smsc = await begin()
    response = await with_smpplib(smsc, send_by_smpplib, "transmitter")
    receipt = await with_smpplib(smsc, lambda client: next_of(client, "deliver_sm"), "receiver")
    assert receipt.receipted_message_id == response.message_id


@pytest_twisted.ensureDeferred
async def test_accounts_do_not_see_each_other(begin: Any) -> None:
    smsc = await begin(accounts={"gateway": "pw", "other": "pw"})
    one = with_smpplib(smsc, lambda client: (send_by_smpplib(client), next_of(client, "deliver_sm")))
    two = with_smpplib(
        smsc, lambda client: (send_by_smpplib(client), next_of(client, "deliver_sm")), system_id="other"
    )
    for response, receipt in await gatherResults([one, two]):
        assert receipt.receipted_message_id == response.message_id


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("text", ["STOP", "退订", "long, longer, " * 30, "长短信" * 100], ids=len)
async def test_replies_of_a_handset(begin: Any, text: str) -> None:
    smsc = await begin()
    segments = smsc.reply(HANDSET, SOURCE, text)
    pdus = await with_smpplib(smsc, lambda client: [next_of(client, "deliver_sm") for _ in range(segments)])
    bodies = [pdu.short_message[6:] if pdu.esm_class & 0x40 else pdu.short_message for pdu in pdus]
    assert decode_text(b"".join(bodies), pdus[0].data_coding) == text
    assert {pdu.source_addr for pdu in pdus} == {HANDSET.encode()}
    assert {pdu.destination_addr for pdu in pdus} == {SOURCE.encode()}


@pytest_twisted.ensureDeferred
async def test_a_reply_in_message_payload(begin: Any) -> None:
    smsc = await begin()
    assert smsc.reply(HANDSET, SOURCE, "long " * 100, payload=True) == 1
    pdu = await with_smpplib(smsc, lambda client: next_of(client, "deliver_sm"))
    assert pdu.message_payload == b"long " * 100
    assert not pdu.short_message


@pytest_twisted.ensureDeferred
async def test_loopback_sends_each_message_back(begin: Any) -> None:
    smsc = await begin(replies={"loopback": True, "delay": 0})

    def script(client: Any) -> Any:
        send_by_smpplib(client, b"echo", registered_delivery=0)
        return next_of(client, "deliver_sm")

    pdu = await with_smpplib(smsc, script)
    assert (pdu.short_message, pdu.esm_class) == (b"echo", 0)
    assert (pdu.source_addr, pdu.destination_addr) == (HANDSET.encode(), SOURCE.encode())


@pytest_twisted.ensureDeferred
async def test_a_message_can_be_queried(begin: Any) -> None:
    def script(client: Any) -> tuple[Any, Any]:
        message_id = send_by_smpplib(client).message_id.decode()
        next_of(client, "deliver_sm")
        client.query_message(message_id=message_id, source_addr=SOURCE)
        known = next_of(client, "query_sm_resp")
        client.query_message(message_id="none", source_addr=SOURCE)
        return known, next_of(client, "query_sm_resp")

    known, unknown = await with_smpplib(await begin(), script)
    assert known.message_state == MessageState.DELIVERED
    assert unknown.status == CommandStatus.ESME_RQUERYFAIL


@pytest_twisted.ensureDeferred
async def test_an_smsc_that_takes_leave(begin: Any) -> None:
    smsc = await begin(timers={"unbind": 0})
    assert (await with_smpplib_until(smsc, "unbind")).command == "unbind"


@pytest_twisted.ensureDeferred
async def test_unbind_on_request(begin: Any) -> None:
    smsc: Smsc = await begin()
    waiting = with_smpplib_until(smsc, "unbind")
    while not smsc.unbind():
        await deferToThread(lambda: None)
    assert (await waiting).command == "unbind"
    with pytest.raises(NoSuchThing):
        smsc.unbind("nowhere")


@pytest_twisted.ensureDeferred
async def test_an_alert_notification(begin: Any) -> None:
    smsc = await begin()
    smsc.alert(HANDSET, SOURCE)
    pdu = await with_smpplib(smsc, lambda client: next_of(client, "alert_notification"))
    assert pdu.source_addr == HANDSET.encode()


def with_smpplib_until(smsc: Smsc, command: str) -> Deferred[Any]:
    """What smpplib reads up to a command, with the line closed from our side after it."""

    def script(client: Any) -> Any:
        found = next_of(client, command)
        client.unbind = lambda: None
        return found

    return with_smpplib(smsc, script)
