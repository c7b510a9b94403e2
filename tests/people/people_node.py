"""A node as a process whose wall clock a test sets, with a carrier's process.

Started as `python people_node.py CONFIG CLOCK`: the file CLOCK has how many seconds the wall clock is ahead.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

LOOK = 0.05  # seconds
RULES = Path(__file__).parents[2] / "config" / "rules"


class PeopleNode:
    """The gateway with a shop and a bank, on real connections."""

    def __init__(self, directory: Path, **people: Any) -> None:
        from whole_house import PASSWORD, House, Upstream

        self.clock = directory / "clock"
        self.clock.write_text("0")
        self.environ = os.environ | {"WHOLE_PASSWORD": PASSWORD}
        accounts = {
            "shop": {"tenant": "Shop", "category": "promotional", "filters": "all", "numbers": ["10690002"]},
            "bank": {"tenant": "Bank", "category": "otp", "filters": "all", "numbers": ["10690001"]},
        }
        self.house = House(
            directory,
            accounts=accounts,
            carriers={"alpha": Upstream()},
            routes=[{"name": "default", "carriers": ["alpha"]}],
        )
        tenants = {"Shop": {"program": "offers", "brand": "商店"}, "Bank": {"program": "account"}}
        self.house.dump("people.yaml", {"rules": str(RULES), "tenants": tenants} | people)
        self.house.dump("filters.yaml", {"words": {"files": ["words.txt"]}, "quiet": {"spread": "2s"}})

    def start(self) -> PeopleNode:
        """Start both processes; the gateway's by this file."""
        self.house.start_carriers()
        return self.start_gateway()

    def start_gateway(self) -> PeopleNode:
        """Start the gateway's process."""
        import subprocess

        from whole_house import wait_until

        house = self.house
        with (house.directory / "gateway.log").open("ab") as log:
            gateway = subprocess.Popen(
                [sys.executable, __file__, str(house.config), str(self.clock)],
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        house._gateway = gateway
        wait_until(lambda: house._alive(gateway) and house.page("readyz")[0] == 200, "the gateway is ready")
        house.all_bound()
        return self

    def at(self, moment: float) -> None:
        """Set the gateway's wall clock to a unix second; it goes on from there."""
        self.clock.write_text(str(moment - time.time()))
        time.sleep(2 * LOOK)

    def stop(self) -> None:
        """End both."""
        self.house.stop()


def make_node(directory: Path, **people: Any) -> PeopleNode:
    """A node that runs."""
    node = PeopleNode(directory, **people)
    try:
        return node.start()
    except BaseException:
        node.stop()
        raise


def main(config: Path, clock: Path) -> int:
    """Run the gateway by the clock in a file, which is looked at often."""
    from twisted.internet import reactor

    from gateway import logs
    from gateway.app import Gateway, run
    from gateway.relay.clocks import Clocks, monotonic

    last = [0.0, 0.0]

    def wall() -> float:
        now = time.time()
        if now - last[0] > LOOK:
            last[:] = now, float(clock.read_text() or last[1])
        return now + last[1]

    gateway = Gateway(config, os.environ, reactor, Clocks(monotonic(reactor), wall))
    logs.begin("text", "info")
    return run(gateway)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
