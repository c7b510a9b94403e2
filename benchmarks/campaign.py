"""A national campaign's parts as processes of this machine.

The configuration is `configured.py`'s. The load maker and the carrier are `load/peer.c`, built with the
machine's C compiler, which cost a few microseconds a message.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configured import HERE, OWN_CHINESE, OWN_GSM, PASSWORD, ROOT, Scale, configure, texts

TICKS = os.sysconf("SC_CLK_TCK")


def built_peer(directory: Path) -> Path:
    """The load maker and carrier, built from source. Raises SystemExit where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("the load maker is written in C: install a compiler (Debian: gcc libc6-dev)")
    peer = directory / "peer"
    command = [compiler, "-O2", "-o", str(peer), str(HERE / "load" / "peer.c")]
    if subprocess.run([*command, "-DTLS", "-lssl", "-lcrypto"], capture_output=True, check=False).returncode:
        subprocess.run(command, check=True)  # without OpenSSL's headers (Debian: libssl-dev) no TLS
    return peer


def wait_for(port: int, seconds: float = 180) -> float:
    """Until something listens; the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def family(pid: int) -> Iterator[int]:
    """A process and all it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have used, all their threads."""
    return sum(_used(Path(f"/proc/{each}")) for each in family(pid))


def cpu_by_part(pid: int) -> dict[str, float]:
    """Seconds of CPU by part: the reactor's thread, the other threads of its process, the other processes."""
    own = _used(Path(f"/proc/{pid}"))
    reactor = _used(Path(f"/proc/{pid}/task/{pid}"))
    return {"reactor": reactor, "threads": own - reactor, "processes": cpu(pid) - own}


def _used(place: Path) -> float:
    fields_of = (place / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields_of[11]) + int(fields_of[12])) / TICKS


def resident(pid: int) -> float:
    """Resident memory in MiB of a process and its children, what they share counted once each."""
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in family(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(slots=True)
class Campaign:
    """The running parts. `first` moves on, so that no person is written to twice."""

    directory: Path
    ports: dict[str, int]
    peer: Path
    gateway: subprocess.Popen[bytes]
    carrier: subprocess.Popen[bytes]
    ready: float
    first: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)

    def load(
        self,
        count: int,
        *,
        sessions: int = 8,
        window: int = 100,
        rate: float = 0,
        account: str = "shop",
        own: bool = False,
        tls: bool = False,
    ) -> dict[str, Any]:
        """Submit, wait for every receipt; the load maker's report and the gateway's CPU a message.

        With `own` no two texts are the same.
        """
        before = cpu_by_part(self.gateway.pid)
        port = self.ports["tls" if tls else "listen"]
        command = [self.peer, "esme", port, account, PASSWORD, sessions, window, count, rate]
        command += [self.directory / ("own-texts" if own else "texts"), "10690001", self.first]
        environ = os.environ | ({"PEER_TLS": "1"} if tls else {})
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, timeout=900, check=False, env=environ
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        self.first += count // 2 + 1
        report: dict[str, Any] = json.loads(done.stdout)
        report["per_second"] = report["receipts"] / report["seconds"] if report["seconds"] else 0.0
        spent = {part: now - before[part] for part, now in cpu_by_part(self.gateway.pid).items()}
        report["parts"] = {part: used / max(1, report["accepted"]) * 1e6 for part, used in spent.items()}
        report["cpu_us"] = sum(report["parts"].values())
        report["resident"] = resident(self.gateway.pid)
        self.reports.append(report)
        return report

    def restart(self, meanwhile: Callable[[], None], profiled: bool = False, *, learn: bool = True) -> None:
        """End the gateway, do something to its state, start it and wait until it listens, or has learnt."""
        self.gateway.send_signal(signal.SIGTERM)
        self.gateway.wait(60)
        meanwhile()
        self.gateway = gateway_process(self.directory, profiled)
        self.ready = wait_for(self.ports["listen"])
        wait_for(self.ports["control"])
        if learn:
            self.learn()

    def status(self) -> dict[str, Any]:
        """What the gateway says of itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['control']}/status", timeout=10) as answer:
            return dict(json.load(answer))

    def learn(self) -> None:
        """Wait until the gateway has learnt all that a start leaves to be learnt beside the traffic."""
        while self.status()["loading"]:
            time.sleep(0.2)

    def rest(self, share: float = 0.05) -> None:
        """Wait until the gateway does nothing more: what it makes of messages behind the traffic is done."""
        before = cpu(self.gateway.pid)
        while True:
            time.sleep(1)
            now = cpu(self.gateway.pid)
            if now - before < share:
                return
            before = now


def gateway_process(directory: Path, profiled: bool = False) -> subprocess.Popen[bytes]:
    """A gateway on the campaign's configuration; its log is in `directory`."""
    program = [str(HERE / "profiled.py"), str(directory / "profile")] if profiled else ["-m", "gateway"]
    command = [sys.executable, *program, "run", "--config", str(directory / "config")]
    with (directory / "gateway.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def import_consents(directory: Path) -> None:
    """By the command that an operator would use."""
    command = [sys.executable, "-m", "gateway", "consent", "import", str(directory / "consents.csv")]
    command += ["--tenant", "Example Shop", "--program", "offers", "--basis", "express"]
    subprocess.run(
        [*command, "--config", str(directory / "config")], cwd=ROOT, check=True, capture_output=True
    )


@contextmanager
def campaign(directory: Path, scale: Scale, delay_ms: int = 0, profiled: bool = False) -> Iterator[Campaign]:
    """A running campaign, its consents imported; everything it started is ended with it."""
    ports = configure(directory, scale)
    peer = built_peer(directory)
    texts(directory / "texts")
    texts(directory / "own-texts", OWN_GSM, OWN_CHINESE)
    command = [str(peer), "carrier", str(ports["carrier"]), str(delay_ms)]
    carrier = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gateway = gateway_process(directory, profiled and not scale.consents)
    running = Campaign(directory, ports, peer, gateway, carrier, 0.0)
    try:
        running.ready = wait_for(ports["listen"])
        if scale.consents:
            import_consents(directory)
            running.restart(lambda: None, profiled)
        if profiled:
            running.gateway.send_signal(signal.SIGUSR2)
        yield running
    finally:
        for part in (running.carrier, running.gateway):
            part.send_signal(signal.SIGINT)
        for part in (running.carrier, running.gateway):
            part.wait(60)


def profile(directory: Path) -> dict[str, float]:
    """By room the share of the reactor's thread, once a profiled gateway has ended."""
    counts: dict[str, int] = json.loads((directory / "profile").read_text())
    whole = sum(counts.values())
    return {room: count / whole for room, count in sorted(counts.items(), key=lambda item: -item[1])}


def compiled() -> str:
    """What is in use of the compiled modules, in a process as the gateway's."""
    asked = "from gateway.compiled import IN_USE; print(IN_USE)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
