"""The whole way: load maker, gateway and simulated carriers as processes of this machine.

    python benchmarks/bench_whole_way.py [--count 20000] [--runs 3] [--sessions 4] [--window 100] [--mix gsm]

Everything that is promised is on: durable SQLite at synchronous=FULL, sensitive words, receipts asked for
all. Prints the median (least-most) of the runs: messages a second with all receipts back, CPU a message of
the gateway and of the simulator, and the latencies that the load maker saw. Ports are free ones, state is in
a temporary directory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import machine

ROOT = Path(__file__).parent.parent
BESIDE = Path(sys.executable).parent
TICKS = os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def configured(directory: Path) -> int:
    """The shipped configuration on other ports, in `directory`; returns the port of the gateway."""
    shutil.copytree(ROOT / "config", directory / "config")
    old = ("2775", "2776", "2777", "2780", "2786", "2787")
    ports = dict(zip(old, free_ports(len(old)), strict=True))
    for path in (directory / "config").rglob("*.yaml"):
        text = path.read_text()
        for port, other in ports.items():
            text = text.replace(f":{port}", f":{other}")
        path.write_text(text)
    return ports["2775"]


def wait_for(port: int) -> None:
    """Until something listens."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def cpu(process: subprocess.Popen[bytes]) -> float:
    """Seconds of CPU that a process has used, all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(process: subprocess.Popen[bytes]) -> float:
    """Resident memory in MiB."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def one_run(arguments: argparse.Namespace, port: int, parts: dict[str, Any]) -> dict[str, float]:
    """Load once; figures of this run."""
    before = {name: cpu(part) for name, part in parts.items()}
    command = [BESIDE / "simulator", "load", "--to", f"tcp:127.0.0.1:{port}", "--as", "bank", "--json"]
    command += ["--sessions", str(arguments.sessions), "--window", str(arguments.window)]
    command += ["--count", str(arguments.count), "--rate", str(arguments.rate), "--mix", arguments.mix]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    report = json.loads(done.stdout)
    count = report["accepted"]
    used = {name: (cpu(part) - before[name]) / count * 1e6 for name, part in parts.items()}
    return {
        "messages/s": report["messages_per_second"],
        "gateway CPU us/message": used["gateway"],
        "simulator CPU us/message": used["smsc"],
        "submit to response p50 ms": report["response"]["p50"],
        "submit to response p99 ms": report["response"]["p99"],
        "submit to receipt p50 ms": report["receipt"]["p50"],
        "gateway resident MiB": resident(parts["gateway"]),
    }


def main() -> None:
    """Start the parts, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--mix", default="gsm")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    parts: dict[str, subprocess.Popen[bytes]] = {}
    try:
        port = configured(directory)
        config = directory / "config"
        profiles = [
            a for path in sorted((config / "simulator").glob("*.yaml")) for a in ("--profile", str(path))
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        parts["smsc"] = subprocess.Popen([str(BESIDE / "simulator"), "smsc", *profiles, "--quiet"], **quiet)
        command = [sys.executable, "-m", "gateway", "run", "--config", str(config)]
        parts["gateway"] = subprocess.Popen(command, cwd=ROOT, **quiet)
        wait_for(port)
        time.sleep(2)
        one_run(argparse.Namespace(**{**vars(arguments), "count": 2000}), port, parts)
        runs = [one_run(arguments, port, parts) for _ in range(arguments.runs)]
        print(machine())
        print(f"{arguments.count} messages, {arguments.sessions} sessions, window {arguments.window}")
        for name in runs[0]:
            values = [run[name] for run in runs]
            print(f"  {name:<28} {statistics.median(values):>10.1f}  ({min(values):.1f}-{max(values):.1f})")
    finally:
        for part in parts.values():
            part.send_signal(signal.SIGINT)
        for part in parts.values():
            part.wait(20)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
