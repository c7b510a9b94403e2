"""`gateway demo`: two simulated carriers and the gateway, started together and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gateway.settings.load import load
from gateway.settings.problems import SettingsError

BAD_CONFIGURATION = 78
PATIENCE = 30.0  # seconds that each part has to listen
GRACE = 15.0  # seconds that each part has to stop

READY = """
  clients bind to      127.0.0.1:2775   (accounts bank / bankpass and shop / shoppass)
  simulated carriers   127.0.0.1:2776 (alpha) and :2777 (beta)
  metrics and health   http://127.0.0.1:2780/metrics, /healthz, /readyz, /status
  state                {state}

In a second terminal:

  .venv/bin/gateway send --as bank --to 8619912340001 "【示例银行】您的验证码是482913"
  .venv/bin/gateway status

Ctrl-C stops everything.
"""


class NotStarted(Exception):
    """A part ended, or did not listen in time."""


def run_demonstration(config: Path) -> int:
    """Run until Ctrl-C or until a part ends; returns the exit code."""
    try:
        generation = load(config, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_CONFIGURATION
    profiles = [str(path) for path in sorted((config / "simulator").glob("*.yaml"))]
    beside = Path(sys.executable).parent
    carriers = [
        str(beside / "simulator"),
        "smsc",
        *(a for path in profiles for a in ("--profile", path)),
        "--quiet",
    ]
    parts: list[subprocess.Popen[bytes]] = []
    stopped = False

    def on_stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGINT, on_stop)
    signal.signal(signal.SIGTERM, on_stop)
    try:
        parts.append(_start(carriers))
        for port in (2776, 2777):
            _wait_for(port, parts)
        parts.append(_start([sys.executable, "-m", "gateway", "run", "--config", str(config)]))
        for port in (2780, 2775):
            _wait_for(port, parts)
        state = (generation.directory / generation.node.state).resolve()
        print(READY.format(state=state), flush=True)
        while not stopped and all(part.poll() is None for part in parts):
            time.sleep(0.2)
        ended = [part for part in parts if part.poll() is not None]
        return 0 if stopped else (ended[0].returncode or 1)
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 0 if stopped else 1
    finally:
        _stop(parts)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a part in a session of its own, so that Ctrl-C reaches it only through us, in order."""
    return subprocess.Popen(command, start_new_session=True)


def _wait_for(port: int, parts: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(part.poll() is not None for part in parts):
            raise NotStarted(f"a part ended before it listened on port {port}; see above")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise NotStarted(f"nothing listens on port {port} after {PATIENCE:.0f} s")


def _stop(parts: list[Any]) -> None:
    """The gateway first, so that it can unbind from its carriers."""
    for part in reversed(parts):
        if part.poll() is None:
            part.send_signal(signal.SIGINT)
            try:
                part.wait(GRACE)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
