"""The command line as its callers see it: exit codes, and what is on which stream."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from testing_ports import free_port

from gateway.settings.secrets import is_hash, verify

FAILED, USAGE, UNREACHABLE, BAD_CONFIGURATION = 1, 2, 3, 78
PATIENCE = 60.0


@pytest.fixture
def port() -> int:
    """A port of the loopback on which nobody listens."""
    return free_port()


@pytest.fixture
def config(tmp_path: Path, port: int) -> Path:
    """A small configuration that can be used."""
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "gateway.yaml").write_text(
        f'state: ../state\nlisteners: [{{endpoint: "tcp:0:interface=127.0.0.1"}}]\n'
        f"control: tcp:{port}:interface=127.0.0.1\n"
    )
    (directory / "accounts.yaml").write_text("accounts: {bank: {tenant: Bank, password: '${SECRET}'}}\n")
    (directory / "carriers.yaml").write_text(
        "carriers: {alpha: {binds: [{endpoint: 'tcp:127.0.0.1:1'}], system_id: gw, password: '${SECRET}'}}\n"
    )
    (directory / "routing.yaml").write_text("routes: [{name: default, carriers: [alpha]}]\n")
    return directory


@pytest.fixture
def broken(config: Path) -> Path:
    """One with a misspelt key."""
    (config / "accounts.yaml").write_text("accounts:\n  bank:\n    tennant: Bank\n    password: ${SECRET}\n")
    return config


def environment() -> dict[str, str]:
    return {**os.environ, "SECRET": "secret"}


def gateway(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *map(str, words)],
        env=environment(),
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_run_with_a_bad_configuration(broken: Path) -> None:
    done = gateway("run", "--config", broken)
    assert done.returncode == BAD_CONFIGURATION
    assert f"{broken / 'accounts.yaml'}:3:5" in done.stderr
    assert "tenant" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_no_configuration_at_all(tmp_path: Path, command: str) -> None:
    done = gateway(command, "--config", tmp_path / "nowhere")
    assert done.returncode == (BAD_CONFIGURATION if command == "run" else USAGE)
    assert "nowhere" in done.stderr


def test_check(config: Path) -> None:
    done = gateway("check", "--config", config)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no problems" in done.stderr


def test_check_says_all_that_is_wrong(broken: Path) -> None:
    (broken / "routing.yaml").write_text("routes: [{name: default, carriers: [alhpa]}]\n")
    done = gateway("check", "--config", broken)
    assert done.returncode == USAGE
    assert "accounts.yaml:3:5" in done.stderr
    assert "routing.yaml:1:" in done.stderr
    assert "alpha" in done.stderr


def test_check_for_programs(broken: Path) -> None:
    done = gateway("check", "--config", broken, "--json")
    assert done.returncode == USAGE
    problems = json.loads(done.stdout)["problems"]
    assert any("accounts.yaml:3:5" in problem for problem in problems)


@pytest.mark.parametrize("command", ["status", "reload"])
def test_nobody_answers(config: Path, port: int, command: str) -> None:
    done = gateway(command, "--config", config)
    assert done.returncode == UNREACHABLE
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_message_that_nobody_knows(config: Path) -> None:
    done = gateway("message", "0000000017", "--config", config)
    assert done.returncode == FAILED
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("frobnicate",), ("status", "--frobnicate"), ("send", "text")])
def test_wrong_usage(words: tuple[str, ...]) -> None:
    assert gateway(*words).returncode == USAGE


def test_send_without_a_gateway(config: Path, port: int) -> None:
    done = gateway(
        *("send", "--as", "bank", "--to", "8619912340001", "hello", "--wait", "0", "--config", config),
        *("--host", "127.0.0.1", "--port", str(port), "--password", "secret"),
    )
    assert done.returncode == UNREACHABLE
    assert "Traceback" not in done.stderr


def test_a_hash_for_a_password() -> None:
    done = gateway("hash-password", given="secret\n")
    assert done.returncode == 0
    assert is_hash(done.stdout.strip())
    assert verify("secret", done.stdout.strip())
    assert gateway("hash-password", given="much too long\n").returncode == USAGE


@pytest.fixture
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    """A gateway that is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", "--config", str(config)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = Timer(PATIENCE, process.kill)
    patience.start()
    try:
        assert process.stderr is not None
        assert any("is ready" in line for line in process.stderr)
        yield process
    finally:
        patience.cancel()
        process.kill()
        process.communicate()


def test_a_running_gateway(running: subprocess.Popen[str], config: Path) -> None:
    document: Any = json.loads(gateway("status", "--config", config, "--json").stdout)
    assert document["generation"] == 1
    people = gateway("status", "--config", config)
    assert people.returncode == 0
    assert "alpha" in people.stdout

    good = (config / "accounts.yaml").read_text()
    (config / "accounts.yaml").write_text("accounts: []\n")
    bad = gateway("reload", "--config", config)
    assert bad.returncode == USAGE
    assert "accounts.yaml:1" in bad.stderr
    (config / "accounts.yaml").write_text(good)
    assert gateway("reload", "--config", config).returncode == 0

    second = gateway("run", "--config", config)
    assert second.returncode == FAILED
    assert str(running.pid) in second.stderr

    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == 0
