"""A whole house for a test: the gateway and its simulated carriers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from testing_command import gateway
from testing_ports import free_ports

from gateway.smpp.codec import decode

PATIENCE = 60.0
GRACE = 60.0
PASSWORD = "secret12"
SYSTEM_ID = "gateway"
STEP = 0.02


def wait_until(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true value of `holds`, which is asked again and again; fails when patience is over."""
    deadline = time.monotonic() + patience
    while not (value := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:.0f} s: {what}")
        time.sleep(STEP)
    return value


@dataclass
class Upstream:
    """A carrier: how the simulator plays it (`profile`), what carriers.yaml says of it (`settings`), and the
    simulator process that it lives in. `listen` and `endpoint` are its Twisted endpoints on either side.
    """

    profile: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    process: str = "carriers"
    binds: Sequence[dict[str, Any]] = ({"mode": "transceiver"},)
    listen: str = "tcp:{port}:interface=127.0.0.1"
    endpoint: str = "tcp:127.0.0.1:{port}"
    port: int = 0

    def played(self) -> dict[str, Any]:
        return {
            "accounts": {SYSTEM_ID: PASSWORD},
            **self.profile,
            "listen": self.listen.format(port=self.port),
            "receipts": {"delay": 0} | self.profile.get("receipts", {}),
        }

    def configured(self) -> dict[str, Any]:
        endpoint = self.endpoint.format(port=self.port)
        binds = [{"endpoint": endpoint} | dict(bind) for bind in self.binds]
        return {
            "binds": binds,
            "system_id": SYSTEM_ID,
            "password": "${WHOLE_PASSWORD}",
            "reconnect": {"initial": "100ms", "maximum": "300ms"},
        } | self.settings


@dataclass(frozen=True)
class Seen:
    """One line of a carrier's capture: a PDU that came in or went out."""

    at: float
    carrier: str
    connection: int
    frame: bytes
    pdu: Any


class House:
    """The gateway on `port`, with its configuration in `config` and its carriers.

    `accounts` are those of accounts.yaml, with a password unless they name one; `node` is gateway.yaml but
    for its doors; `extra_doors` are listeners beside the plain one, with `{port}` for a free port.
    Without `capture` the carriers keep no record of every PDU.
    """

    def __init__(
        self,
        directory: Path,
        accounts: Mapping[str, Mapping[str, Any]],
        carriers: Mapping[str, Upstream],
        routes: Sequence[Mapping[str, Any]],
        node: Mapping[str, Any] | None = None,
        words: Sequence[str] = (),
        extra_doors: Sequence[str] = (),
        capture: bool = True,
    ) -> None:
        self.directory = directory
        self.config = directory / "config"
        self.carriers = dict(carriers)
        self.accounts = {
            name: {"tenant": "Example", "password": "${WHOLE_PASSWORD}", "filters": {}} | dict(body)
            for name, body in accounts.items()
        }
        self.routes = [dict(route) for route in routes]
        self.words = list(words)
        self.capture = capture
        processes = dict.fromkeys(carrier.process for carrier in self.carriers.values())
        ports = iter(free_ports(2 + len(extra_doors) + len(self.carriers) + len(processes)))
        self.port, self.control = next(ports), next(ports)
        self.doors = [next(ports) for _ in extra_doors]
        endpoints = [door.format(port=port) for door, port in zip(extra_doors, self.doors, strict=True)]
        for carrier in self.carriers.values():
            carrier.port = next(ports)
        self._controls = {process: next(ports) for process in processes}
        self.node = {
            "name": "whole",
            "state": "../state",
            "listeners": [
                {"endpoint": endpoint} for endpoint in (f"tcp:{self.port}:interface=127.0.0.1", *endpoints)
            ],
            "control": f"tcp:{self.control}:interface=127.0.0.1",
        } | dict(node or {})
        self._captures = [Capture(directory / f"{process}.ndjson") for process in processes]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._gateway: subprocess.Popen[bytes] | None = None
        self.write()

    # the configuration

    def write(self) -> None:
        """Write the configuration and the profiles as they are now."""
        self.config.mkdir(exist_ok=True)
        (self.config / "words.txt").write_text("\n".join(self.words) + "\n", "utf-8")
        self.dump("gateway.yaml", self.node)
        self.dump("accounts.yaml", {"accounts": self.accounts})
        configured = {name: carrier.configured() for name, carrier in self.carriers.items()}
        self.dump("carriers.yaml", {"carriers": configured})
        self.dump("routing.yaml", {"routes": self.routes})
        self.dump("filters.yaml", {"words": {"mode": "enforce", "files": ["words.txt"]}})
        for process, port in self._controls.items():
            played = {n: c.played() for n, c in self.carriers.items() if c.process == process}
            profile = {"seed": 7, "control": f"tcp:{port}:interface=127.0.0.1", "carriers": played}
            self.dump(f"../{process}.yaml", profile)

    def dump(self, name: str, document: object) -> None:
        """Write one file of the configuration."""
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        (self.config / name).write_text(text, "utf-8")

    # processes

    def start(self) -> House:
        """Start everything, and wait until every carrier is bound."""
        for process in self._controls:
            self.start_carriers(process)
        self.start_gateway()
        self.all_bound()
        return self

    def start_gateway(self) -> None:
        """Start the gateway and wait until it listens."""
        with (self.directory / "gateway.log").open("ab") as log:
            self._gateway = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "--config", str(self.config)],
                env=os.environ | {"WHOLE_PASSWORD": PASSWORD},
                stdout=log,
                stderr=log,
            )
        gateway = self._gateway
        wait_until(lambda: self._alive(gateway) and self.page("readyz")[0] == 200, "the gateway is ready")

    def _alive(self, gateway: subprocess.Popen[bytes]) -> bool:
        assert gateway.poll() is None, f"the gateway ended:\n{self.log()}"
        return True

    def stop_gateway(self, number: int = signal.SIGTERM) -> None:
        """End the gateway by a signal; asked nicely, it has to end well."""
        gateway, self._gateway = self._gateway, None
        if gateway is None:
            return
        code = _end(gateway, number)
        assert number == signal.SIGKILL or code == 0, f"the gateway ended with {code}:\n{self.log()}"
        assert "Traceback" not in self.log(), self.log()

    def signal(self, number: int) -> None:
        """Send the gateway a signal that does not end it."""
        assert self._gateway is not None
        self._gateway.send_signal(number)

    def log(self) -> str:
        """What the gateway has logged."""
        return (self.directory / "gateway.log").read_text("utf-8")

    def start_carriers(self, process: str = "carriers") -> None:
        """Start one process of carriers and wait until it listens."""
        with (self.directory / f"{process}.log").open("ab") as log:
            self._processes[process] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "simulator", "smsc", "--strict", "--quiet"),
                    *("--profile", str(self.directory / f"{process}.yaml")),
                    *(("--capture", str(self.directory / f"{process}.ndjson")) if self.capture else ()),
                ],
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: _listens(self._controls[process]), f"{process} listen")

    def stop_carriers(self, process: str = "carriers") -> None:
        """End one process of carriers; fails if the gateway has broken the protocol."""
        code = _end(self._processes.pop(process), signal.SIGTERM)
        log = (self.directory / f"{process}.log").read_text("utf-8")
        assert code == 0, f"{process} ended with {code}: violations?\n{log}"
        assert "Traceback" not in log, log

    def stop(self) -> None:
        """End everything that runs, whatever went wrong; fails if something did."""
        failures = []
        steps: list[Callable[[], None]] = [self.stop_gateway]
        steps += [lambda name=name: self.stop_carriers(name) for name in self._processes]  # type: ignore[misc]
        for step in steps:
            try:
                step()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)

    # what it says of itself

    def page(self, name: str) -> tuple[int, str]:
        """A page of the control endpoint: status (0: nobody answers) and text."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/{name}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def status(self) -> dict[str, Any]:
        """The page of /status."""
        document: dict[str, Any] = json.loads(self.page("status")[1])
        return document

    def bound(self, carrier: str) -> int:
        """How many binds a carrier has now."""
        return int(self.status()["carriers"][carrier]["binds"].split()[0])

    def all_bound(self) -> None:
        """Until every carrier has all its binds."""

        def all_of(carriers: Mapping[str, Any]) -> bool:
            counts = [carrier["binds"].split(" of ") for carrier in carriers.values()]
            return all(there == wanted for there, wanted in counts)

        wait_until(lambda: all_of(self.status()["carriers"]), "every carrier is bound")

    # the carriers

    def tell(self, do: str, process: str = "carriers", **arguments: Any) -> dict[str, Any]:
        """Ask a process of carriers something on its control line."""
        with socket.create_connection(("127.0.0.1", self._controls[process]), timeout=PATIENCE) as line:
            line.sendall(json.dumps({"do": do} | arguments).encode() + b"\n")
            answer: dict[str, Any] = json.loads(line.makefile("rb").readline())
        assert answer.pop("ok"), answer
        return answer

    def captured(
        self, command: str = "submit_sm", direction: str = "in", carrier: str | None = None
    ) -> list[Seen]:
        """What the carriers have seen (`in`) or sent (`out`) of one command, in order."""
        return [
            seen
            for capture in self._captures
            for seen in capture.seen(command, direction)
            if carrier in (None, seen.carrier)
        ]

    def sent_to(self, destination: str, command: str = "submit_sm") -> list[Seen]:
        """What the carriers have got for one destination."""
        return [seen for seen in self.captured(command) if seen.pdu.destination_addr == destination]


class Capture:
    """The capture of one process of carriers, read as far as it has grown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._seen: dict[tuple[str, str], list[Seen]] = {}

    def seen(self, command: str, direction: str) -> list[Seen]:
        """The PDUs of one command and direction, in order."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read += len(line)
                    self._keep(json.loads(line))
        return self._seen.get((command, direction), [])

    def _keep(self, line: dict[str, Any]) -> None:
        if "pdu" in line:
            frame = bytes.fromhex(line["hex"])
            seen = Seen(line["t"], line["carrier"], line["connection"], frame, decode(frame))
            self._seen.setdefault((line["pdu"]["command"], line["dir"]), []).append(seen)


Build = Callable[..., House]
"""Makes a house out of the arguments of `House`, but for its directory."""


def _end(process: subprocess.Popen[bytes], number: int) -> int:
    process.send_signal(number)
    try:
        return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return -signal.SIGKILL


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def call(house: House, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with `code`."""
    done = gateway(house.config, {"WHOLE_PASSWORD": PASSWORD}, *arguments)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr
