"""Webhooks against a real server on the loopback: signed, durable, in order, tried again, given up."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest_twisted
from event_desk import KEY, NUMBER, START, Desk
from hook_server import Hook, until

from gateway.relay.batch import Batch
from gateway.relay.caller import MEMORY
from gateway.relay.calls import signatures
from gateway.relay.webhooks import Event
from gateway.settings.secrets import key_of

OLD_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification's reference implementations.
    said = signatures([key_of(OLD_KEY)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest_twisted.ensureDeferred
async def test_a_call_is_signed_with_both_keys_and_says_what_happened(desk: Desk) -> None:
    desk.configure(old_secret=OLD_KEY, numbers="full")
    await desk.tell(program="offers", word="TD")
    await until(lambda: desk.hook.calls)
    (call,) = desk.hook.calls
    call_id, timestamp = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    assert (call.headers["content-type"], timestamp) == ("application/json", str(int(START)))
    signed = f"{call_id}.{timestamp}.".encode() + call.body
    expected = [
        "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        for key in (KEY.encode(), base64.b64decode(OLD_KEY[6:]))
    ]
    assert call.headers["webhook-signature"].split(" ") == expected
    data = {"tenant": "Shop", "account": "shop", "number": NUMBER, "program": "offers", "word": "TD"}
    assert call.events == [
        {"id": f"{call_id}.0", "type": "opt_out", "time": "2026-09-21T14:13:20.000Z", "data": data}
    ]
    assert await desk.stored() == []
    assert desk.caller.counts == {"taken": 1}


@pytest_twisted.ensureDeferred
async def test_numbers_are_masked_unless_asked_for_on_the_wire_and_in_the_store(desk: Desk) -> None:
    desk.hook.answers.append(500)
    await desk.tell()
    (row,) = await desk.stored()
    assert NUMBER not in row.body
    assert desk.hook.events[0]["data"]["number"] == "861****0001"


@pytest_twisted.ensureDeferred
async def test_only_what_it_asks_for_and_what_concerns_it_is_told(desk: Desk) -> None:
    desk.configure(events=("opt_out",), tenant="Shop", accounts=("shop",))
    await desk.tell(type="consent")
    await desk.tell(tenant="Bank")
    await desk.tell(account="other")
    assert await desk.stored() == []
    await desk.tell()
    await until(lambda: desk.hook.calls)


@pytest_twisted.ensureDeferred
async def test_many_events_go_in_few_calls(desk: Desk) -> None:
    desk.configure(most=2)
    batch = Batch()
    events = [Event("opt_out", f"m{n}", {"tenant": "Shop", "number": f"86199123400{n:02}"}) for n in range(5)]
    desk.webhooks.tell_all("opt_out", events, batch)
    assert len(batch.changes) == 3
    await desk.committer.commit(batch, must=True)
    await until(lambda: len(desk.hook.calls) == 3)
    assert sorted(event["id"] for event in desk.hook.events) == ["m0", "m1", "m2", "m3", "m4"]


@pytest_twisted.ensureDeferred
async def test_a_failed_call_is_made_again_ever_later_and_is_the_same(desk: Desk) -> None:
    desk.hook.answers.extend([500, 503, 200])
    await desk.tell()
    await until(lambda: len(desk.hook.calls) == 1 and desk.idle)
    await desk.advance(4)
    assert len(desk.hook.calls) == 1
    await desk.advance(1)
    assert len(desk.hook.calls) == 2
    await desk.advance(9)
    assert len(desk.hook.calls) == 2
    (row,) = await desk.stored()
    assert (row.attempts, row.error, row.dead) == (2, "it answers 503", 0)
    await desk.advance(1)
    assert len(desk.hook.calls) == 3
    assert len({call.headers["webhook-id"] for call in desk.hook.calls}) == 1
    assert len({call.body for call in desk.hook.calls}) == 1
    assert len({call.headers["webhook-timestamp"] for call in desk.hook.calls}) == 3
    assert await desk.stored() == []


@pytest_twisted.ensureDeferred
async def test_retry_after_is_obeyed(desk: Desk) -> None:
    desk.hook.headers["retry-after"] = "30"
    desk.hook.answers.append(429)
    await desk.tell()
    await until(lambda: desk.hook.calls and desk.idle)
    await desk.advance(29)
    assert len(desk.hook.calls) == 1
    await desk.advance(1)
    assert len(desk.hook.calls) == 2


@pytest_twisted.ensureDeferred
async def test_a_call_that_is_not_wanted_holds_up_its_own_number_alone(desk: Desk) -> None:
    desk.hook.answers.append(400)
    await desk.tell(word="first")
    await until(lambda: desk.hook.calls and desk.idle)
    await desk.tell(word="second")
    await desk.tell("8619912340002", word="other")
    await until(lambda: len(desk.hook.calls) == 2 and desk.idle)
    await desk.advance(5)
    await until(lambda: len(desk.hook.calls) == 4)
    assert [e["data"]["word"] for e in desk.hook.events] == ["first", "other", "first", "second"]


@pytest_twisted.ensureDeferred
async def test_events_of_one_number_are_told_one_after_the_other(desk: Desk) -> None:
    desk.hook.answers.append(None)
    await desk.tell(word="stop")
    await desk.tell(type="opt_in", word="start")
    await desk.tell("8619912340002", word="other")
    await until(lambda: len(desk.hook.calls) == 2)
    assert [event["data"]["word"] for event in desk.hook.events] == ["stop", "other"]
    desk.hook.release()
    await until(lambda: len(desk.hook.calls) == 3)
    assert desk.hook.events[-1]["data"]["word"] == "start"


@pytest_twisted.ensureDeferred
async def test_not_more_calls_at_once_than_stated(desk: Desk) -> None:
    desk.configure(calls=3)
    desk.hook.answers.extend([None] * 10)
    for number in range(10):
        await desk.tell(f"86199123400{number:02}")
    await until(lambda: len(desk.hook.calls) == 3)
    assert len(desk.caller._under_way) == 3
    desk.hook.release()
    await until(lambda: len(desk.hook.calls) == 6)


@pytest_twisted.ensureDeferred
async def test_silence_is_a_failure_after_the_timeout(desk: Desk) -> None:
    desk.configure(timeout=8)
    desk.hook.answers.append(None)
    await desk.tell()
    await until(lambda: desk.hook.calls)
    await desk.advance(7)
    assert desk.caller._under_way
    desk.wall += 1
    desk.clock.advance(1)
    await until(lambda: desk.idle, "the call has timed out")
    (row,) = await desk.stored()
    assert (row.attempts, row.error) == (1, "no answer within 8 s")


@pytest_twisted.ensureDeferred
async def test_what_waits_survives_a_restart_in_its_order(desk: Desk) -> None:
    await desk.hook.port.stopListening()
    for number in range(MEMORY + 150):
        await desk.tell(f"86199{number:08}", n=number)
    await desk.close()
    desk.hook = Hook()
    await desk.open(calls=1)
    assert desk.caller.waiting == MEMORY + 150
    await desk.advance(5)
    await until(lambda: len(desk.hook.calls) >= MEMORY + 150, "all are called")
    told = [event["data"]["n"] for event in desk.hook.events]
    assert sorted(set(told)) == list(range(MEMORY + 150))
    assert told == sorted(told)
    assert await desk.stored() == []
    assert desk.caller.waiting == 0


@pytest_twisted.ensureDeferred
async def test_what_was_not_taken_in_time_is_given_up_listed_and_tried_again_by_command(desk: Desk) -> None:
    desk.configure(give_up=60, longest=20)
    desk.hook.answers.extend([500] * 20)
    await desk.tell(word="one")
    await desk.tell("8619912340002", word="two")
    await until(lambda: desk.hook.calls and desk.idle)
    await desk.advance(80)
    dead = await desk.stored(dead=True)
    assert [(row.dead, row.error) for row in dead] == [(1, "it answers 500")] * 2
    assert await desk.stored() == []
    (alarm,) = desk.alarms.open.values()
    assert (alarm.kind, alarm.subject) == ("webhook_given_up", "crm")
    assert "2 calls" in alarm.text

    desk.hook.answers.clear()
    await desk.close()
    await desk.open()
    assert ("webhook_given_up", "crm") in desk.alarms.open
    before = len(desk.hook.calls)
    assert await desk.webhooks.drop(dead[1:]) == 1
    assert await desk.webhooks.retry(dead[:1]) == 1
    await until(lambda: len(desk.hook.calls) == before + 1)
    assert desk.hook.events[-1]["data"]["word"] == "one"
    assert await desk.stored(dead=True) == []
    assert not desk.alarms.open


@pytest_twisted.ensureDeferred
async def test_one_that_nobody_answers_raises_an_alarm_that_ends(desk: Desk) -> None:
    desk.configure(longest=10)
    desk.hook.answers.extend([500] * 200)
    await desk.tell()
    await until(lambda: desk.hook.calls and desk.idle)
    await desk.advance(890, step=10)
    assert not desk.alarms.open
    await desk.advance(20, step=10)
    assert ("webhook_down", "crm") in desk.alarms.open
    desk.hook.answers.clear()
    await desk.advance(20, step=10)
    assert not desk.alarms.open


@pytest_twisted.ensureDeferred
async def test_a_webhook_that_is_configured_no_more_keeps_what_waits(desk: Desk) -> None:
    desk.hook.answers.append(500)
    await desk.tell()
    await until(lambda: desk.hook.calls and desk.idle)
    await desk.stored()
    desk.webhooks.configure({}, 900.0)
    await desk.advance(0)
    desk.configure()
    await desk.advance(1)
    await until(lambda: len(desk.hook.calls) == 2)


@pytest_twisted.ensureDeferred
async def test_nothing_is_called_before_it_is_on_disk(desk: Desk) -> None:
    batch = Batch()
    desk.webhooks.tell("opt_out", {"tenant": "Shop", "number": NUMBER}, batch)
    await desk.advance(2)
    assert not desk.hook.calls
    assert not desk.caller._queue


@pytest_twisted.ensureDeferred
async def test_what_no_disk_takes_is_called_from_memory(desk: Desk) -> None:
    desk.hook.answers.append(500)
    desk.webhooks.tell_all("opt_out", [Event("opt_out", "", {"tenant": "Shop"})], None)
    await until(lambda: desk.hook.calls and desk.idle)
    assert await desk.stored() == []
    await desk.advance(5)
    await until(lambda: len(desk.hook.calls) == 2)
    assert await desk.stored() == []
    assert not desk.caller._known
