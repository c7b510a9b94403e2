"""Long texts over a SIGKILL: the segments that were in wait for the others, and all are receipted."""

from __future__ import annotations

import struct

import pytest
import pytest_twisted
from killclient import FIRST_DESTINATION, Client, Line

from gateway.smpp.constants import ESM_UDHI

pytestmark = pytest.mark.whole_way

TEXTS = 50


async def send_segments(client: Client, number: int) -> None:
    """The same segment of every text; returns when all have ESME_ROK."""
    protocol = next(iter(client.links))
    wanted = client.accepted + TEXTS
    for text in range(TEXTS):
        header = struct.pack("BBBBBB", 5, 0, 3, text, 2, number)
        body = header + f"segment {number}".encode()
        client.submit(protocol, str(FIRST_DESTINATION + text), esm_class=ESM_UDHI, short_message=body)
    protocol.flush()
    await client.until(lambda: client.accepted == wanted)


def receipts_of(client: Client) -> list[Line]:
    return [line for line in client.lines if line.what == "receipt"]


@pytest_twisted.ensureDeferred
async def test_each_segment_is_sent_and_receipted_once(open_house):
    house = await open_house()
    client = house.client
    client.window = 2 * TEXTS
    for number in (1, 2):
        house.start()
        await client.until(lambda: client.bound > 0)
        await send_segments(client, number)
        if number == 1:
            house.kill()
            await house.killed()
    await client.until(lambda: len(receipts_of(client)) >= 2 * TEXTS)
    await house.stop()
    receipts = receipts_of(client)
    ids = [line.message_id for line in client.lines if line.what == "accepted"]
    assert sorted(line.message_id for line in receipts) == sorted(ids)
    assert {line.word for line in receipts} <= {"DELIVRD", "UNDELIV", "EXPIRED"}
