"""`gateway demo`: simulated carriers and the gateway, started together and stopped together.

Which carriers: one process for each profile in `simulator/` of the configuration, so that one can be stopped
to see what the others do.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gateway.addresses import Address, address_of, shown
from gateway.settings.load import load
from gateway.settings.models import Generation
from gateway.settings.problems import SettingsError

FAILED, BAD_CONFIGURATION = 1, 78
PATIENCE = 30.0  # seconds that each part has to listen
BINDING = 3.0  # seconds that the carriers have to be bound before we say that all is there
GRACE = 15.0  # seconds that each part has to stop
STEP = 0.1
CONSENTS = "demo-consents.csv"
SHOP = "Example Shop"

READY = """
  clients bind to      {listener}   (passwords: {config}/demo-credentials.yaml)
  simulated carriers   {carriers}
  metrics and health   http://{control}/metrics, /healthz, /readyz, /status
  state                {state}

In a second terminal:

  {gateway} send{option} --as bank --to 8619912340001 "【示例银行】您的验证码是482913"
  {gateway} send{option} --as shop --to 8619912340001 "【示例商店】新品上架，拒收请回复R"
  {gateway} status{option}

Ctrl-C stops everything.
"""

Part = subprocess.Popen[bytes]


def called(name: str, here: Path) -> str:
    """How a program of this installation is called in a directory: `.venv/bin/gateway` in the clone."""
    program = Path(sys.executable).parent / name
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


class NotStarted(Exception):
    """A part ended, or did not listen in time."""


class Stopped(Exception):
    """Somebody wants everything to stop."""


def run_demonstration(config: Path) -> int:
    """Run until Ctrl-C or until the gateway ends; returns the exit code."""
    try:
        generation = load(config, os.environ)
    except SettingsError as error:
        _say(str(error))
        return BAD_CONFIGURATION
    demonstration = Demonstration(config, generation)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, demonstration.on_stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, demonstration.on_stop)
    try:
        demonstration.start()
        return demonstration.watch()
    except NotStarted as error:
        _say(str(error))
        return FAILED
    except Stopped:
        return 0
    finally:
        demonstration.stop()


class Demonstration:
    """The processes, and where they listen: the endpoints that the configuration names."""

    def __init__(self, config: Path, generation: Generation) -> None:
        node = generation.node
        self.config = config
        self.state = (generation.directory / node.state).resolve()
        self.listener = next(filter(None, (address_of(each.endpoint) for each in node.listeners)), None)
        self.control = address_of(node.control) if node.control else None
        self.carriers = {
            name: address
            for name, carrier in generation.carriers.items()
            if (address := address_of(carrier.binds[0].endpoint))
        }
        self.tenants = {account.tenant for account in generation.accounts.values()}
        self.profiles = sorted((config / "simulator").glob("*.yaml"))
        self.simulators: dict[str, Part] = {}
        self.gateway: Part | None = None
        self.stopping = False

    def on_stop(self, *_: object) -> None:
        """Ctrl-C, or the terminal is gone."""
        self.stopping = True

    # starting

    def start(self) -> None:
        """Start the carriers, then the gateway, and say what can be done now. Raises NotStarted, Stopped."""
        listener, control = self.listener, self.control
        if listener is None or control is None:
            raise NotStarted(
                f"{self.config}/gateway.yaml: the demonstration needs a plain tcp listener and control"
            )
        if not self.profiles:
            raise NotStarted(f"{self.config}/simulator: no profile (*.yaml) of a carrier to simulate")
        for address in (listener, control, *self.carriers.values()):
            if _listens(address):
                raise NotStarted(
                    f"{shown(address)} is taken: is another demonstration running? "
                    f"Stop it, or name other ports in {self.config}/*.yaml and {self.config}/simulator/"
                )
        new = not self.state.exists()
        simulator = str(Path(sys.executable).parent / "simulator")
        for profile in self.profiles:
            command = [simulator, "smsc", "--profile", str(profile), "--quiet"]
            self.simulators[profile.stem] = _start(command)
        for name, address in self.carriers.items():
            self._wait(f"carrier {name} listens on {shown(address)}", partial(_listens, address))
        self.gateway = _start([sys.executable, "-m", "gateway", "run", "--config", str(self.config)])
        self._wait(f"the gateway is ready at {shown(control)}", partial(_ready, control))
        if new:
            self._import_consents()
        deadline = time.monotonic() + BINDING
        while not _all_bound(control) and time.monotonic() < deadline:
            self._pause()
        self._introduce(listener, control)

    def _import_consents(self) -> None:
        """Some made-up people have agreed to the shop's offers: imported in the ordinary way, at the first
        start.
        """
        file = self.config / CONSENTS
        if file.exists() and SHOP in self.tenants:
            asked = ["--tenant", SHOP, "--program", "offers", "--basis", "express"]
            command = [sys.executable, "-m", "gateway", "consent", "import", str(file), *asked]
            subprocess.run([*command, "--config", str(self.config)], check=False)

    def _introduce(self, listener: Address, control: Address) -> None:
        named = (f"{shown(address)} ({self._who(name)})" for name, address in self.carriers.items())
        text = READY.format(
            listener=shown(listener),
            control=shown(control),
            carriers=f"\n{' ' * 23}".join(named),
            state=self.state,
            config=self.config,
            gateway=called("gateway", Path.cwd()),
            option="" if self.config == Path("config") else f" --config {self.config}",
        )
        print(text, flush=True)

    def _who(self, carrier: str) -> str:
        part = self.simulators.get(carrier)
        return carrier if part is None else f"{carrier}, process {part.pid}"

    def _wait(self, what: str, arrived: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not arrived():
            if any(part.poll() is not None for part in self._parts()):
                raise NotStarted(f"a part ended before {what}; what it said stands above")
            if time.monotonic() > deadline:
                raise NotStarted(f"waited {PATIENCE:.0f} s in vain until {what}")
            self._pause()

    def _pause(self) -> None:
        if self.stopping:
            raise Stopped
        time.sleep(STEP)

    def _parts(self) -> Iterator[Part]:
        yield from ([self.gateway] if self.gateway is not None else [])
        yield from self.simulators.values()

    # running and stopping

    def watch(self) -> int:
        """Until the gateway ends; a carrier that ends is told and missed by nobody but the gateway."""
        assert self.gateway is not None
        while (code := self.gateway.poll()) is None:
            for profile in self.profiles:
                part = self.simulators.get(profile.stem)
                if part is not None and part.poll() is not None:
                    del self.simulators[profile.stem]
                    again = f"{called('simulator', Path.cwd())} smsc --profile {profile}"
                    _say(f"carrier {profile.stem} has ended; to start it again:  {again}")
            self._pause()
        _say(f"the gateway has ended with exit code {code}")
        return code or FAILED

    def stop(self) -> None:
        """The gateway first, so that it can unbind from its carriers.

        SIGTERM, since SIGINT would raise in what is still being imported.
        """
        for part in self._parts():
            if part.poll() is None:
                part.terminate()
                try:
                    part.wait(GRACE)
                except subprocess.TimeoutExpired:
                    part.kill()
                    part.wait()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _start(command: list[str]) -> Part:
    """Start a part in a session of its own, so that Ctrl-C reaches it only through us, in order."""
    return subprocess.Popen(command, start_new_session=True)


def _listens(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def _get(control: Address, path: str) -> str | None:
    """What the gateway answers; None unless it is a yes."""
    connection = http.client.HTTPConnection(*control, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _ready(control: Address) -> bool:
    return _get(control, "/readyz") is not None


def _all_bound(control: Address) -> bool:
    answer = _get(control, "/status")
    return answer is not None and all(
        carrier["health"] != "down" for carrier in json.loads(answer)["carriers"].values()
    )
