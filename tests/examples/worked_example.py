"""A worked example of docs/examples, played: its carriers and the gateway as processes, on free ports and by
a clock that the example sets; the commands of its README, run here.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from testing_ports import free_ports
from typer.testing import CliRunner
from whole_house import _end, wait_until

import gateway.cli
from gateway.cli_common import node_of
from gateway.stored import find_messages

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
CLOCKED = ROOT / "tests" / "people" / "people_node.py"
PORT = re.compile(r"(tcp:(?:127\.0\.0\.1:)?|http://127\.0\.0\.1:|PORT = )(\d{4,5})\b")
DOORS = {
    "listeners": [{"endpoint": "tcp:2775:interface=127.0.0.1"}],
    "control": "tcp:2780:interface=127.0.0.1",
}
STEP = 0.1
CLOCK_IS_READ = 0.12  # seconds after which the gateway goes by what stands in its clock


def named_commands(readme: str) -> list[str]:
    """The commands that a README has its reader type, but for the one that starts everything."""
    found = re.findall(r"^    ((?:gateway|simulator|python) .*)$", readme, re.MULTILINE)
    return [command for command in found if command != "gateway demo"]


class Example:
    """One example in a directory of its own, where its ports are others and it has a state."""

    def __init__(self, name: str, directory: Path) -> None:
        self.source = EXAMPLES / name
        self.expected: dict[str, Any] = yaml.safe_load((self.source / "expect.yaml").read_text("utf-8"))
        self.home = directory / "docs" / "examples" / name
        ignored = shutil.ignore_patterns("state", "state.keys")
        shutil.copytree(self.source, self.home, ignore=ignored)
        (directory / "config").symlink_to(ROOT / "config")
        self.config = self.home / "config"
        self._ports: dict[str, int] = {}
        self._move_ports()
        self._clock = directory / "clock"
        self._log = directory / "log"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.control = self._ports["2780"]

    def _move_ports(self) -> None:
        node = self.config / "gateway.yaml"
        if not node.exists():
            node.write_text(yaml.safe_dump(DOORS))
        texts = (path for path in self.home.rglob("*") if path.suffix in (".yaml", ".py"))
        files = {path: path.read_text("utf-8") for path in texts}
        named = sorted({port for text in files.values() for _, port in PORT.findall(text)} | {"2775", "2780"})
        self._ports = dict(zip(named, free_ports(len(named)), strict=True))
        for path, text in files.items():
            path.write_text(self._moved(text), "utf-8")

    def _moved(self, text: str) -> str:
        return PORT.sub(lambda found: f"{found[1]}{self._ports[found[2]]}", text)

    # processes

    def start(self) -> None:
        """Start the carriers and the gateway, and wait until each carrier is bound."""
        self.at(self.expected.get("at", "2026-11-18T12:00+08:00"))
        profiles = sorted((self.config / "simulator").glob("*.yaml"))
        if any("stop" in step for step in self.expected["steps"]):
            for profile in profiles:
                self.start_carriers(profile.stem, profile)
        else:  # one process is sooner there than many
            self.start_carriers("carriers", *profiles)
        command = [sys.executable, str(CLOCKED), str(self.config), str(self._clock)]
        self._processes["gateway"] = self._process(command)
        for script in self.expected.get("beside", []):
            self._processes[script] = self._process([sys.executable, script])
        wait_until(self._ready, "the gateway is ready")
        self._bound()

    def start_carriers(self, name: str, *profiles: Path) -> None:
        """Start a process of carriers."""
        given = [argument for profile in profiles for argument in ("--profile", str(profile))]
        command = [sys.executable, "-m", "simulator", "smsc", "--quiet", *given]
        self._processes[name] = self._process(command)

    def _bound(self) -> None:
        wait_until(lambda: self._ready() and '"health": "down"' not in self._page("status"), "all are bound")

    def stop_carrier(self, name: str) -> None:
        """End one process of carriers, until the gateway knows."""
        _end(self._processes.pop(name), signal.SIGTERM)
        wait_until(lambda: '"health": "down"' in self._page("status"), f"{name} is down")

    def stop(self) -> None:
        """End everything; the gateway must not have stumbled."""
        gateway = self._processes.pop("gateway", None)
        for script in self.expected.get("beside", []):
            _end(self._processes.pop(script), signal.SIGKILL)
        codes = [_end(process, signal.SIGTERM) for process in (gateway, *self._processes.values()) if process]
        said = self._log.read_text("utf-8")
        assert "Traceback" not in said, said
        assert not any(codes), said

    def _process(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home)

    def _ready(self) -> bool:
        ended = [name for name, process in self._processes.items() if process.poll() is not None]
        assert not ended, f"{ended} ended: {self._log.read_text('utf-8')}"
        try:
            return bool(self._page("readyz"))
        except OSError:
            return False

    def _page(self, name: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/{name}", timeout=5) as answer:
            return str(answer.read().decode())

    # steps

    def at(self, moment: Any) -> None:
        """Set the clock by which the gateway judges; it goes on from there."""
        ahead = datetime.fromisoformat(str(moment)).timestamp() - time.time()
        self._clock.write_text(str(ahead))
        if "gateway" in self._processes:
            time.sleep(CLOCK_IS_READ)

    def play(self, step: dict[str, Any]) -> None:
        """One step of expect.yaml: something happens, and what is expected comes of it."""
        if "at" in step:
            self.at(step["at"])
        if "stop" in step:
            self.stop_carrier(step["stop"])
        if "start" in step:
            name = step["start"]
            self.start_carriers(name, self.config / "simulator" / f"{name}.yaml")
            self._bound()
        for file, change in step.get("edit", {}).items():
            text = (self.config / file).read_text("utf-8")
            assert change["from"] in text, f"{file} has no {change['from']!r}"
            (self.config / file).write_text(text.replace(change["from"], change["to"]), "utf-8")
        for file, wanted in step.get("file", {}).items():
            wait_until(lambda: wanted in _read(self.home / file), f"{file} has {wanted!r}")  # noqa: B023
        if "run" in step:
            until = time.monotonic() + step.get("within", 0)
            while missing := list(self._missing(step)):
                assert time.monotonic() < until, "\n".join([step["run"], *missing])
                time.sleep(STEP)

    def _missing(self, step: dict[str, Any]) -> Iterator[str]:
        """Runs a command; yields what it should have said or done and did not, then what it said."""
        code, said = self._call(shlex.split(self._moved(step["run"])))
        missing = [repr(text) for text in _listed(step.get("says", [])) if text not in said]
        missing += [f"not {text!r}" for text in _listed(step.get("never", [])) if text in said]
        if code != step.get("code", 0):
            missing.append(f"exit code {step.get('code', 0)}, not {code}")
        for message_id in re.findall(r"id (\d{10})", said):
            missing += self._unlike(message_id, step.get("message", {}))
        yield from [*missing, "--- it said:", said] if missing else []

    @staticmethod
    def _call(command: list[str]) -> tuple[int, str]:
        """Exit code and words of a command. Those of the gateway run in this process: it is quicker."""
        program, *arguments = command
        if program == "gateway":
            done = CliRunner().invoke(gateway.cli.app, arguments, catch_exceptions=False)
            return done.exit_code, done.output
        called = [sys.executable, *(("-m", program) if program == "simulator" else ()), *arguments]
        ended = subprocess.run(called, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def _unlike(self, message_id: str, wanted: dict[str, Any]) -> Iterator[str]:
        if not wanted:
            return
        (found,) = find_messages(node_of(self.config), self.config, message_id)
        steps = found["trail"]
        seen = found | {"route": steps[-1]["route"] if steps else None}
        seen["rules"] = [word["rule"] for word in found["decision"].get("words", ())]
        seen["passed"] = steps[-1].get("passed", {}) if steps else {}
        seen["price"] = steps[-1].get("price") if steps else None
        seen["generation"] = found["decision"].get("generation")
        for name, value in wanted.items():
            if seen[name] != value:
                yield f"message {message_id}: {name} {value!r}, not {seen[name]!r}"


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
