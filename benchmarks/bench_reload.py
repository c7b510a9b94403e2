"""What a reload holds up: the gateway as a process, traffic flowing, 100,000 prefixes and 500 rules come in.

    python benchmarks/bench_reload.py [--rate 500] [--reloads 5] [--prefixes 100000] [--rules 500]

Everything is on as in `configured.py`, of a smaller size. A session of its own asks enquire_link without a
pause: the longest time that one is not answered is what the reactor was held up, and what the machine did
besides. Printed for the load alone, for reloads that come into force with new tables each, and for reloads
that a fault ends.
"""

from __future__ import annotations

import argparse
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import yaml
from campaign import Campaign, campaign
from configured import CHINA, PASSWORD, Scale
from timing import machine

from gateway.smpp.codec import encode
from gateway.smpp.pdus import BindTransmitter, EnquireLink

PAUSE = 0.002
HEAD = str(CHINA)[:4]
"""What the campaign's Chinese recipients begin with."""


class Pulse(Thread):
    """Asks enquire_link on a session of its own, one after the other; the seconds that each took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.took: list[float] = []
        self._over = Event()
        self._line = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ask(encode(BindTransmitter(1, 0, "shop1", PASSWORD, interface_version=0x34)))

    def _ask(self, frame: bytes) -> None:
        self._line.sendall(frame)
        wanted = int.from_bytes(self._read(4), "big")
        self._read(wanted - 4)

    def _read(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            got += self._line.recv(count - len(got))
        return got

    def run(self) -> None:
        frame = encode(EnquireLink(7))
        while not self._over.is_set():
            start = time.perf_counter()
            self._ask(frame)
            self.took.append(time.perf_counter() - start)
            time.sleep(PAUSE)

    def during(self, act: Callable[[], None]) -> list[float]:
        """What was measured while something was done."""
        first = len(self.took)
        act()
        return self.took[first:]

    def stop(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()


def write_tables(config: Path, given: argparse.Namespace, seed: int) -> None:
    """Regions and two carriers' prices by prefix, and rules by region, each of 20."""
    chance = random.Random(seed)
    prefixes = [f"{HEAD}{at:05d}" for at in range(given.prefixes)]
    (config / "regions.csv").write_text(
        "prefix,region\n" + "".join(f"{prefix},zone{chance.randrange(2000)}\n" for prefix in prefixes)
    )
    for carrier in ("carrier0", "carrier1"):
        lines = "".join(f"{prefix},0.0{chance.randrange(1, 900):03d},EUR,\n" for prefix in prefixes)
        (config / f"{carrier}.csv").write_text(f"prefix,price,currency,from\n{lines}")
    carriers = ["carrier0", "carrier1"]
    rules = [
        {
            "name": f"rule{at}",
            "match": {"region": [f"zone{chance.randrange(2000)}" for _ in range(20)]},
            "choose": "cost",
            "carriers": carriers,
        }
        for at in range(given.rules - 1)
    ]
    tables = {"regions": "regions.csv", "prices": {carrier: f"{carrier}.csv" for carrier in carriers}}
    routing = {"routes": [*rules, {"name": "default", "carriers": carriers}], "tables": tables}
    (config / "routing.yaml").write_text(yaml.safe_dump(routing))


def reload(running: Campaign, code: int) -> None:
    """As an admin does it. Raises SystemExit if it ends otherwise."""
    command = [sys.executable, "-m", "gateway", "reload", "--config", str(running.directory / "config")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise SystemExit(done.stdout + done.stderr)


def told(title: str, took: list[float]) -> None:
    """A line of figures."""
    ordered = sorted(took)
    late = ordered[int(len(ordered) * 0.999)]
    print(
        f"  {title:<34} {len(ordered):>6} answers, median {statistics.median(ordered) * 1000:6.1f} ms, "
        f"99.9 % {late * 1000:6.1f} ms, longest {ordered[-1] * 1000:6.1f} ms"
    )


def measure(running: Campaign, given: argparse.Namespace) -> None:
    """Load beside, pulses, reloads."""
    config = running.directory / "config"
    seconds = 8 + 8 * given.reloads
    load = Thread(target=lambda: running.load(int(given.rate * seconds), rate=given.rate), daemon=True)
    load.start()
    time.sleep(2)
    pulse = Pulse(running.ports["listen"])
    pulse.start()
    told("the load alone", pulse.during(lambda: time.sleep(5)))
    took: list[float] = []
    for seed in range(given.reloads):
        write_tables(config, given, seed)
        took += pulse.during(lambda: reload(running, 0))
    told("reloads with new tables", took)
    text = (config / "regions.csv").read_text()
    (config / "regions.csv").write_text(f"{text}no number,zone1\n")
    took = []
    for _ in range(given.reloads):
        took += pulse.during(lambda: reload(running, 2))
    told("reloads that a fault ends", took)
    pulse.stop()
    load.join()
    report = running.reports[-1]
    whole = report["submitted"] == report["accepted"] == report["delivered"]
    print(f"  {report['submitted']} messages beside, {'each' if whole else 'NOT EACH'} delivered once")


def main() -> None:
    """Start the parts, measure, print."""
    parser = argparse.ArgumentParser()
    for name, value in (("rate", 500), ("reloads", 5), ("prefixes", 100_000), ("rules", 500)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    print(machine())
    print(f"{given.prefixes} prefixes in three tables, {given.rules} rules, {given.rate} messages/s beside")
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with campaign(directory, Scale(words=10_000, suppressed=10_000, consents=50_000)) as running:
            measure(running, given)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
