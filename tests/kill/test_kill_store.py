"""A full disk and a failing database under load, with the whole gateway running.

Nothing is accepted that is not stored, clients are throttled meanwhile, it recovers by itself, and nothing
is lost: judged by the captures of the client and of the carriers.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from killdatabase import allow_connections, end_connections
from killing import House
from twisted.internet.threads import deferToThread

pytestmark = pytest.mark.whole_way

SIZE = 16 * 1024 * 1024
MANY = 300


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(where)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here; the limit on pages stands for it")
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for octets in (65536, 1024, 1):
            try:
                while True:
                    filler.write(bytes(octets))
            except OSError:
                continue


async def outage(house: House, begin: Callable[[], object], end: Callable[[], object], kill: bool) -> None:
    """Under load the store fails until the client has felt it; with `kill` the gateway dies meanwhile."""
    client = house.client
    client.most_owed = 1 << 30
    client.send()
    house.start()
    await client.until(lambda: client.accepted > MANY)
    await deferToThread(begin)
    client.start()  # a commit that broke off may leave every submit of the first sessions in doubt
    await client.until(lambda: client.refused > MANY)
    if kill:
        house.kill()
        await house.killed()
    await deferToThread(end)
    if kill:
        house.start()
    accepted = client.accepted
    await client.until(lambda: client.accepted > accepted + MANY)


async def end_well(house: House) -> None:
    await house.settle()
    await house.stop()
    assert {line.word for line in house.client.lines if line.what == "refused"} <= {"ESME_RTHROTTLED"}
    assert house.faults() == ""


@pytest.mark.parametrize("kill", [False, True], ids=["stays", "killed"])
@pytest_twisted.ensureDeferred
async def test_full_disk(open_house, small_disk, kill):
    house = await open_house(state=small_disk)
    await outage(house, lambda: fill(small_disk), (small_disk / "filler").unlink, kill)
    await end_well(house)


@pytest.mark.parametrize("kill", [False, True], ids=["stays", "killed"])
@pytest_twisted.ensureDeferred
async def test_no_page_more(open_house, kill):
    house = await open_house()
    await outage(house, house.page_limit.touch, house.page_limit.unlink, kill)
    await end_well(house)


@pytest.mark.parametrize("kill", [False, True], ids=["stays", "killed"])
@pytest_twisted.ensureDeferred
async def test_database_that_takes_no_connections(open_house, database, kill):
    house = await open_house(store=database)

    def begin() -> None:
        allow_connections(database, False)
        end_connections(database)

    await outage(house, begin, lambda: allow_connections(database, True), kill)
    await end_well(house)


@pytest_twisted.ensureDeferred
async def test_connections_that_are_ended_again_and_again(open_house, database):
    house = await open_house(store=database)
    client = house.client
    client.send()
    house.start()
    for _ in range(8):
        accepted = client.accepted
        await client.until(lambda accepted=accepted: client.accepted > accepted + MANY)
        assert await deferToThread(end_connections, database)
    await end_well(house)
