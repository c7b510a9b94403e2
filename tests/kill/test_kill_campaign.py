"""SIGKILL under load, at random moments and at each point between a commit and an answer.

Yes means kept, and one honest end: judged by the captures of the client and of the carriers.
"""

from __future__ import annotations

import random

import pytest
import pytest_twisted
from killing import House
from twisted.internet.task import deferLater

pytestmark = pytest.mark.whole_way

# The latest passage at which each point kills: points that are passed once a commit come up less often.
POINTS = {
    "before-commit": 40,
    "slow-commit": 40,
    "inside-commit": 40,
    "after-commit": 40,
    "after-commit-before-answer": 300,
    "after-mark-before-write": 300,
    "after-write-to-carrier": 40,
    "after-carrier-answer-before-commit": 300,
    "after-receipt-before-commit": 300,
    "after-receipt-commit-before-deliver_sm_resp": 300,
    "after-write-to-client": 40,
    "after-client-took-receipt-before-dequeue": 300,
    "in-recovery": 1,
    "in-identifying": 1,
}


COMMIT = ("before-commit", "slow-commit", "inside-commit", "after-commit")


def plan(seed: int, randomly: int) -> list[tuple[str | None, int]]:
    """Each point once, and so many kills at any moment, in an order of chance."""
    chance = random.Random(seed)
    kills: list[tuple[str | None, int]] = [(point, chance.randint(1, last)) for point, last in POINTS.items()]
    kills += [(None, chance.randint(20, 600)) for _ in range(randomly)]
    chance.shuffle(kills)
    return kills


async def campaign(house: House, kills: list[tuple[str | None, int]], victim: str = "both") -> None:
    """Kill, start again on the same state, and at the end let everything come to its end."""
    client = house.client
    client.sending = True
    for point, number in kills:
        house.start(point, number, victim)
        if point is None:
            await client.until(lambda: client.bound > 0)
            await deferLater(house.reactor, number / 1000)
            house.kill()
        await house.killed()
    house.start()
    await house.settle()
    await house.stop()
    assert house.kills == len(kills)
    assert client.accepted > 20 * len(kills)
    assert house.faults() == ""


@pytest.mark.parametrize(("unanswered", "seed"), [("unknown", 1), ("resend", 2)])
@pytest_twisted.ensureDeferred
async def test_sqlite(open_house, unanswered, seed):
    house = await open_house(unanswered=unanswered, watched=True)
    await campaign(house, plan(seed, randomly=10))


@pytest_twisted.ensureDeferred
async def test_postgresql(open_house, database):
    house = await open_house(store=database, watched=True)
    await campaign(house, plan(3, randomly=5))


@pytest_twisted.ensureDeferred
async def test_at_a_commit_and_at_any_moment(open_house):
    """What the two above do, on what is compiled where that is in use."""
    house = await open_house()
    kills = [each for each in plan(4, randomly=10) if each[0] is None or each[0] in COMMIT]
    await campaign(house, kills)


@pytest_twisted.ensureDeferred
async def test_carriers_that_say_it_twice_and_never_again(open_house):
    """What was answered ESME_ROK is kept, though the same receipt was under way to the disk already."""
    house = await open_house(receipts={"copies": 2, "copy_delay": "4ms", "tries": 1})
    await campaign(house, [("slow-commit", number) for number in (5, 11, 17, 23, 29, 41)])


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
@pytest_twisted.ensureDeferred
async def test_the_gateway_alone_is_killed_while_its_writer_commits(open_house, database, where):
    """What the writer has heard it finishes, and the next gateway waits for it."""
    house = await open_house(store=database if where == "postgresql" else None)
    await campaign(house, [(point, number) for point in COMMIT for number in (3, 20)], victim="gateway")


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
@pytest.mark.parametrize("point", COMMIT)
@pytest_twisted.ensureDeferred
async def test_the_writer_alone_is_killed(open_house, database, where, point):
    """Each writer lives for some commits; the gateway goes on, and nobody notices but by waiting."""
    house = await open_house(store=database if where == "postgresql" else None)
    client = house.client
    client.sending = True
    house.start(point, 25, victim="writer")
    await client.until(lambda: client.accepted > 400)
    await house.settle()
    await house.stop()
    assert house.faults() == ""


@pytest_twisted.ensureDeferred
async def test_the_writer_alone_is_killed_at_any_moment(open_house):
    house = await open_house()
    client, chance = house.client, random.Random(5)
    client.sending = True
    house.start()
    for _ in range(20):
        accepted = client.accepted
        await client.until(lambda accepted=accepted: client.accepted > accepted)
        await deferLater(house.reactor, chance.uniform(0.0, 0.3))
        house.kill_writer()
    await house.settle()
    await house.stop()
    assert client.accepted > 100
    assert house.faults() == ""
