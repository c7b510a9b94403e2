"""Wrong input on the command line: a plain sentence and an exit code, never a traceback."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from testing_ports import free_port
from typer.testing import CliRunner

from gateway.addresses import address_of, shown
from gateway.cli import app
from gateway.sending import await_listener

ROOT = Path(__file__).parents[1]
SEND = ["send", "--wait", "0", "--as", "bank", "--to", "8619912340001"]


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()


@pytest.fixture
def config(tmp_path: Path, free_port: int) -> Path:
    """The shipped configuration, at ports where nobody listens."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    path = tmp_path / "config" / "gateway.yaml"
    text = (
        path.read_text("utf-8")
        .replace("tcp:2775:", f"tcp:{free_port}:")
        .replace("tcp:2780:", f"tcp:{free_port}:")
    )
    path.write_text(text, "utf-8")
    return tmp_path / "config"


class Told(NamedTuple):
    """What a command said on both streams, and its exit code."""

    exit_code: int
    output: str


def call(*arguments: object) -> Told:
    """Run a command: those that take signals and the reactor for themselves in a process of their own."""
    line = [*map(str, arguments)]
    if line[0] in ("run", "demo"):
        command = [sys.executable, "-m", "gateway", *line]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        told = Told(done.returncode, done.stdout + done.stderr)
    else:
        result = CliRunner().invoke(app, line)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        told = Told(result.exit_code, result.output)
    assert "Traceback" not in told.output
    return told


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["run"], 78),
        (["demo"], 78),
        (["check"], 2),
        (["status"], 2),
        (["reload"], 2),
        (["message", "1"], 2),
        ([*SEND, "x"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_no_such_directory(command: list[str], code: int, tmp_path: Path) -> None:
    result = call(*command, "--config", tmp_path / "nowhere")
    assert result.exit_code == code
    assert "no such directory" in result.output
    assert "--config" in result.output


@pytest.mark.parametrize("command", [["run"], ["demo"], ["check"]], ids=lambda value: value[0])
def test_a_bad_file(command: list[str], config: Path) -> None:
    routing = config / "routing.yaml"
    routing.write_text(routing.read_text("utf-8").replace("alpha", "alfa"), "utf-8")
    result = call(*command, "--config", config)
    assert result.exit_code == (2 if command == ["check"] else 78)
    assert "did you mean 'alpha'?" in result.output
    assert "routing.yaml:23:16" in result.output


@pytest.mark.parametrize("command", [["status"], ["reload"]], ids=lambda value: value[0])
def test_a_running_gateway_can_be_asked_beside_a_bad_file(command: list[str], config: Path) -> None:
    (config / "routing.yaml").write_text("routes: {", "utf-8")
    assert "is it running?" in call(*command, "--config", config).output


def test_a_gateway_that_takes_its_time(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = config / "gateway.yaml"
    with socket.create_server(("127.0.0.1", 0)) as slow:
        control = f"control: tcp:{slow.getsockname()[1]}:"
        node.write_text(re.sub(r"control: tcp:\d+:", control, node.read_text("utf-8")), "utf-8")
        monkeypatch.setattr("gateway.asking.LONG", 0.05)
        result = call("reload", "--config", config)
    assert result.exit_code == 3
    assert "has not answered within 0.05 s: it may be at it still" in result.output


@pytest.mark.parametrize("command", [["status"], ["reload"], [*SEND, "x"]], ids=lambda value: value[0])
def test_nobody_answers(command: list[str], config: Path) -> None:
    result = call(*command, "--config", config)
    assert result.exit_code == 3
    assert "running?" in result.output
    assert "Connection refused" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["send", "--as", "bank", "--to", "abc", "x"], "is no number"),
        (["send", "--as", "bank", "--to", "86199123400018619912340", "x"], "at most 20"),
        (["send", "--as", "nobody", "--to", "8619912340001", "x"], "only for bank, shop"),
        ([*SEND, "--from", "123456789012345678901", "x"], "at most 20 characters"),
        ([*SEND, "--password", "nine long", "x"], "at most 8 characters"),
        ([*SEND, "--port", "65536", "x"], "65535"),
        ([*SEND, "--wait", "-1", "x"], "--wait"),
    ],
)
def test_what_cannot_be_sent(arguments: list[str], said: str, config: Path) -> None:
    result = call(*arguments, "--config", config)
    assert result.exit_code == 2
    assert said in result.output


def test_send_without_credentials(config: Path) -> None:
    (config / "demo-credentials.yaml").unlink()
    result = call(*SEND, "x", "--config", config)
    assert result.exit_code == 2
    assert "--password" in result.output


@pytest.mark.parametrize("content", ["- bank", "{", ""])
def test_send_with_credentials_that_are_none(content: str, config: Path) -> None:
    (config / "demo-credentials.yaml").write_text(content, "utf-8")
    assert call(*SEND, "x", "--config", config).exit_code == 2


def test_message_without_a_store_makes_none(config: Path) -> None:
    result = call("message", "1", "--config", config)
    assert result.exit_code == 1
    assert "no store is there" in result.output
    assert not (config.parent / "state").exists()


def test_message_of_a_file_that_is_no_store(config: Path) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state" / "gateway.db").write_bytes(b"no database at all" * 100)
    result = call("message", "1", "--config", config)
    assert result.exit_code == 1
    assert "not a database" in result.output


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense", "is no URL"), ("mysql://db/gateway", "is mysql")],
)
@pytest.mark.parametrize(("command", "code"), [("run", 78), ("message", 1)])
def test_a_store_of_another_kind(url: str, said: str, command: str, code: int, config: Path) -> None:
    with (config / "gateway.yaml").open("a") as settings:
        settings.write(f"\nstore: {url}\n")
    result = call(command, *(["1"] if command == "message" else []), "--config", config)
    assert result.exit_code == code
    assert said in result.output


def test_demo_says_which_port_is_taken(config: Path, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        result = call("demo", "--config", config)
    assert result.exit_code == 1
    assert f"127.0.0.1:{free_port} is taken" in result.output


def test_demo_without_carriers_to_simulate(config: Path) -> None:
    shutil.rmtree(config / "simulator")
    result = call("demo", "--config", config)
    assert result.exit_code == 1
    assert "no profile" in result.output


def test_hash_password_reads_a_pipe() -> None:
    from gateway.settings.secrets import verify

    result = CliRunner().invoke(app, ["hash-password"], input="secret\n")
    assert result.exit_code == 0
    assert verify("secret", result.output.strip())
    for bad in ("", "\n", "nine long\n"):
        assert CliRunner().invoke(app, ["hash-password"], input=bad).exit_code == 2


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("tcp:2775", ("127.0.0.1", 2775)),
        ("tcp:2775:interface=127.0.0.1", ("127.0.0.1", 2775)),
        ("tcp:port=2775:interface=0.0.0.0", ("127.0.0.1", 2775)),
        ("tcp:10.0.0.7:2775:bindAddress=10.0.0.8", ("10.0.0.7", 2775)),
        ("tcp:host=smsc.example:port=2775", ("smsc.example", 2775)),
        (r"tcp:2775:interface=\:\:1", ("::1", 2775)),
        (r"tcp:2775:interface=\:\:", ("127.0.0.1", 2775)),
        ("haproxy:tcp:2775", None),
        ("ssl:3550:privateKey=key.pem:certKey=cert.pem", None),
        ("unix:/run/gateway.sock", None),
        ("tcp:", None),
    ],
)
def test_addresses(endpoint: str, address: tuple[str, int] | None) -> None:
    assert address_of(endpoint) == address


def test_addresses_as_people_write_them() -> None:
    assert shown(("127.0.0.1", 2775)) == "127.0.0.1:2775"
    assert shown(("::1", 2775)) == "[::1]:2775"


def test_the_version_and_what_is_compiled() -> None:
    result = call("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"gateway \d+\.\d+\.\d+, compiled modules: .+\n", result.output)


def test_a_gateway_that_starts_to_listen_is_waited_for() -> None:
    with socket.socket() as starting:
        starting.bind(("127.0.0.1", 0))
        notes: list[str] = []

        def listen(note: str) -> None:
            notes.append(note)
            starting.listen()

        await_listener(starting.getsockname(), 60.0, listen)
        assert len(notes) == 1
        assert notes[0].endswith("waiting 60 s for it")


def test_nobody_is_waited_for_longer_than_that() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await_listener(silent.getsockname(), 0.0, lambda note: None)
