"""Alarms by mail, to a real SMTP server on the loopback, and by webhook: bundled, limited, reminded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from typing import Any

import pytest_twisted
from event_desk import Desk
from hook_server import reactor, until
from twisted.internet.defer import succeed
from twisted.mail import smtp
from zope.interface import implementer

from gateway.relay.mail import MAIL
from gateway.relay.notices import Notices
from gateway.settings.models import Alarms as Settings


@implementer(smtp.IMessage)
class Message:
    """One mail that comes in."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self.lines.append(line)

    def eomReceived(self) -> Any:
        mail = message_from_bytes(b"\r\n".join(self.lines), policy=policy.default)
        if mail["message-id"] not in {known["message-id"] for known in self.post.mails}:
            self.post.mails.append(mail)  # each recipient gets it
        return succeed(None)

    def connectionLost(self) -> None:
        self.lines = []


@implementer(smtp.IMessageDelivery)
class Post:
    """A mail server that keeps what it gets. `refuses`: recipients that it does not know."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses: set[bytes] = set()
        factory: Any = smtp.SMTPFactory()
        factory.noisy = False
        factory.protocol = smtp.ESMTP
        build = factory.buildProtocol

        def with_delivery(address: Any) -> Any:
            protocol = build(address)
            protocol.delivery = self
            return protocol

        factory.buildProtocol = with_delivery
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        return b"Received: here"

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        return origin

    def validateTo(self, user: Any) -> Any:
        if user.dest.local + b"@" + user.dest.domain in self.refuses:
            raise smtp.SMTPBadRcpt(user)
        return lambda: Message(self)


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def post() -> AsyncIterator[Post]:
    """A mail server."""
    found = Post()
    yield found
    await found.port.stopListening()


def notices(desk: Desk, post: Post, **settings: Any) -> Notices:
    """The notices of a desk, by mail and to its webhook."""
    mail = {
        "server": "127.0.0.1",
        "port": post.port.getHost().port,
        "tls": "none",
        "sender": "gateway@example.com",
        "to": ["admin@example.com", "night@example.com"],
    }
    desk.configure(events=("alarm",))
    made = Notices(desk.alarms, desk.webhooks, desk.committer, desk.webhooks.clocks)
    made.configure(Settings.model_validate({"mail": mail, **settings}), "north")
    return made


async def pass_time(desk: Desk, told: Notices, seconds: int) -> None:
    for _ in range(seconds):
        told.tick()
        await desk.advance(1)


@pytest_twisted.ensureDeferred
async def test_an_alarm_goes_by_mail_and_by_webhook_and_so_does_its_end(desk: Desk, post: Post) -> None:
    told = notices(desk, post)
    desk.alarms.alarm("carrier_down", "alpha", "no bind is up: connection refused")
    told.tick()
    await until(lambda: post.mails and desk.hook.calls)
    (mail,) = post.mails
    assert mail["subject"] == "[north] ALARM: carrier_down, alpha"
    assert (mail["from"], mail["to"]) == ("gateway@example.com", "admin@example.com, night@example.com")
    assert "no bind is up: connection refused" in mail.get_content()
    (event,) = desk.hook.events
    assert event["type"] == "alarm.raised"
    assert event["data"]["kind"] == "carrier_down"
    assert event["data"]["node"] == "north"

    desk.alarms.recovered("carrier_down", "alpha", "bound again")
    await pass_time(desk, told, 59)
    assert len(desk.hook.calls) == 1
    await pass_time(desk, told, 2)
    await until(lambda: len(post.mails) == 2 and len(desk.hook.calls) == 2)
    assert post.mails[1]["subject"] == "[north] over: carrier_down, alpha"
    assert desk.hook.events[1]["type"] == "alarm.recovered"
    assert await desk.stored() == []


@pytest_twisted.ensureDeferred
async def test_a_storm_is_two_mails(desk: Desk, post: Post) -> None:
    told = notices(desk, post)
    for number in range(300):
        desk.alarms.alarm("case_overdue", f"kind {number}", "one is late\r\nBcc: everybody@example.com")
        told.tick()
    await until(lambda: len(post.mails) == 1)
    await pass_time(desk, told, 61)
    await until(lambda: len(post.mails) == 2)
    assert post.mails[1]["subject"].endswith(" and 298 more")
    assert post.mails[1]["bcc"] is None
    assert "and 199 more: gateway status" in post.mails[1].get_content()
    assert len(desk.hook.events) == 300


@pytest_twisted.ensureDeferred
async def test_an_alarm_that_stays_is_told_again(desk: Desk, post: Post) -> None:
    told = notices(desk, post, remind="2m", pause="10s")
    desk.alarms.alarm("breaker", "offers", "too many opt-outs")
    await pass_time(desk, told, 130)
    await until(lambda: len(post.mails) == 2)
    assert "STILL OPEN" in post.mails[1].get_content()
    assert desk.hook.events[-1]["type"] == "alarm.reminded"


@pytest_twisted.ensureDeferred
async def test_a_mail_waits_for_its_server_over_a_restart(desk: Desk, post: Post) -> None:
    told = notices(desk, post)
    port = post.port.getHost().port
    await post.port.stopListening()
    desk.alarms.alarm("carrier_down", "alpha", "no bind is up")
    told.tick()
    caller = desk.webhooks.callers[MAIL]
    await until(lambda: caller.why, "the first attempt failed")
    await until(lambda: not desk.store.journal.queued)
    await desk.close()
    await desk.open()
    again = Post()
    assert again.port.getHost().port != port
    notices(desk, again)
    await desk.advance(1)
    await until(lambda: len(again.mails) == 1)
    post.port = again.port
    await until(lambda: not desk.webhooks.callers[MAIL].waiting)


@pytest_twisted.ensureDeferred
async def test_a_server_that_knows_nobody_is_told_of(desk: Desk, post: Post) -> None:
    told = notices(desk, post)
    post.refuses = {b"admin@example.com"}
    desk.alarms.alarm("breaker", "offers", "too many opt-outs")
    told.tick()
    await until(lambda: len(post.mails) == 1)
    post.refuses.add(b"night@example.com")
    desk.alarms.alarm("breaker", "news", "too many opt-outs")
    await pass_time(desk, told, 61)
    caller = desk.webhooks.callers[MAIL]
    await until(lambda: caller.counts["again"] == 1)
    (row,) = await desk.stored()
    assert "no recipient is taken" in row.error
    assert row.webhook == MAIL
