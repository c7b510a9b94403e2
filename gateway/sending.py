"""`gateway send`: one text as a legacy system would send it, by smpplib, a client that is not ours."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import smpplib.client
import smpplib.exceptions
import yaml

from gateway.addresses import Address, shown
from gateway.smpp.constants import CommandStatus
from gateway.smpp.text import segment_text

FAILED, USAGE, UNREACHABLE = 1, 2, 3
UDHI = 0x40
NO_ANSWER = "no answer"
STARTING = 5.0  # seconds that a gateway which has just been started may take to listen
STEP = 0.1
ANSWER = 10.0  # seconds that a submit_sm_resp may take
CREDENTIALS = "demo-credentials.yaml"


class CannotSend(Exception):
    """Nothing was sent, or not all; `code` is the exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class Segment:
    """One segment: what the gateway answered, and its receipt."""

    status: str
    message_id: str = ""
    receipt: str = ""
    stat: str = ""
    seconds: float | None = None

    def ended(self, wait: float) -> str:
        """What is known of its end."""
        if self.status != "ESME_ROK":
            return "whether it was accepted is not known" if self.status == NO_ANSWER else "not accepted"
        return f"{self.stat} after {self.seconds:.2f} s" if self.stat else f"no receipt within {wait:g} s"


@dataclass(slots=True)
class Sent:
    """One text and its segments."""

    account: str
    to: str
    segments: list[Segment] = field(default_factory=list)

    @property
    def delivered(self) -> bool:
        """Whether every segment is said to be delivered."""
        return bool(self.segments) and all(segment.stat == "DELIVRD" for segment in self.segments)

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        names = ("status", "message_id", "stat", "receipt", "seconds")
        return {
            "account": self.account,
            "to": self.to,
            "segments": [{name: getattr(segment, name) for name in names} for segment in self.segments],
        }


def demonstration_password(config: Path, account: str) -> str:
    """The password of a demonstration account. Raises CannotSend if there is none."""
    path = config / CREDENTIALS
    try:
        known = yaml.safe_load(path.read_text("utf-8")) or {}
    except OSError as error:
        raise CannotSend(USAGE, f"{path}: {error.strerror}; name the password with --password") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        known = None
    if not isinstance(known, dict):
        raise CannotSend(USAGE, f"{path}: not a mapping of accounts to passwords")
    if account not in known:
        raise CannotSend(
            USAGE,
            f"{path} has no password for {account!r}, only for {', '.join(map(str, known)) or 'nobody'}; "
            "name it with --password",
        )
    return str(known[account])


def send_text(
    address: Address, account: str, password: str, source: str, to: str, text: str, wait: float
) -> Sent:
    """Bind, submit every segment, and wait up to `wait` seconds for the receipts. Raises CannotSend."""
    _check(account, password, source, to)
    logging.getLogger("smpp").setLevel(logging.CRITICAL)
    where = shown(address)
    client = smpplib.client.Client(*address, allow_unknown_opt_params=True, timeout=10)
    try:
        await_listener(address, min(STARTING, wait), lambda note: print(note, file=sys.stderr, flush=True))
        client.connect()
    except (OSError, smpplib.exceptions.ConnectionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotSend(
            UNREACHABLE, f"nothing answers on {where}: is the gateway running? ({reason})"
        ) from None
    try:
        client.bind_transceiver(system_id=account, password=password)
        return _exchange(client, Sent(account, to), source, text, wait)
    except smpplib.exceptions.PDUError as error:
        status = CommandStatus(error.args[1]).name if len(error.args) > 1 else str(error)
        raise CannotSend(
            FAILED, f"{where} refused the bind of {account!r}: {status}; why stands in the gateway's log only"
        ) from None
    except (smpplib.exceptions.ConnectionError, smpplib.exceptions.UnknownCommandError):
        raise CannotSend(
            FAILED, f"{where} ended the talk or never answered: does an SMPP server listen there?"
        ) from None
    finally:
        _leave(client)


def await_listener(address: Address, patience: float, say: Callable[[str], None]) -> None:
    """Wait up to `patience` seconds until somebody listens there, and say so. Raises OSError."""
    until = time.monotonic() + patience
    told = False
    while True:
        try:
            socket.create_connection(address, timeout=10).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() >= until:
                raise
        if not told:
            say(f"nothing listens on {shown(address)} yet: waiting {patience:g} s for it")
            told = True
        time.sleep(STEP)


def _check(account: str, password: str, source: str, to: str) -> None:
    """What does not fit into a PDU is refused here: smpplib would cut it short and say nothing."""
    if not re.fullmatch(r"\+?\d{3,20}", to, re.ASCII):
        raise CannotSend(USAGE, f"--to {to!r} is no number: digits with the country code, at most 20")
    for name, value, most in (("--from", source, 20), ("--as", account, 15), ("the password", password, 8)):
        if len(value) > most or not value.isascii():
            raise CannotSend(USAGE, f"{name} may have at most {most} characters, all of them ASCII")


def _exchange(client: Any, sent: Sent, source: str, text: str, wait: float) -> Sent:
    answered: dict[int, tuple[int, str]] = {}
    receipts: dict[str, tuple[str, float]] = {}
    client.set_message_sent_handler(lambda pdu: answered.update({pdu.sequence: (pdu.status, _id_of(pdu))}))
    client.set_message_received_handler(lambda pdu: _receipt(pdu, receipts))
    client.set_error_pdu_handler(lambda pdu: answered.update({pdu.sequence: (pdu.status, "")}))
    alphanumeric = not source.lstrip("+").isdigit()
    sequences = []
    started = time.monotonic()
    for segment in segment_text(text, int(time.time()) & 0xFF):
        pdu = client.send_message(
            source_addr_ton=5 if alphanumeric else 0,
            source_addr_npi=0 if alphanumeric else 1,
            source_addr=source,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=sent.to.lstrip("+"),
            esm_class=UDHI if segment.udhi else 0,
            data_coding=segment.data_coding,
            short_message=segment.short_message,
            registered_delivery=1,
        )
        sequences.append(pdu.sequence)

    def left() -> float:
        """Seconds to wait on: for an answer always, for receipts as long as was asked."""
        if len(answered) < len(sequences):
            return started + max(wait, ANSWER) - time.monotonic()
        complete = all(status or told_id in receipts for status, told_id in answered.values())
        return 0.0 if complete else started + wait - time.monotonic()

    while (seconds := left()) > 0:
        _read(client, seconds)
    for sequence in sequences:
        status, message_id = answered.get(sequence, (None, ""))
        segment_told = Segment(NO_ANSWER if status is None else CommandStatus(status).name, message_id)
        if message_id in receipts:
            segment_told.receipt, moment = receipts[message_id]
            found = re.search(r"stat:(\w+)", segment_told.receipt)
            segment_told.stat = found[1] if found else ""
            segment_told.seconds = round(moment - started, 3)
        sent.segments.append(segment_told)
    return sent


def _read(client: Any, seconds: float) -> None:
    client._socket.settimeout(max(0.01, min(seconds, 0.5)))
    with contextlib.suppress(TimeoutError):
        client.read_once(auto_send_enquire_link=False)


def _receipt(pdu: Any, receipts: dict[str, tuple[str, float]]) -> int:
    """Keep a receipt; returns the status of the deliver_sm_resp."""
    text = (pdu.short_message or b"").decode("latin-1")
    found = re.search(r"id:(\S+)", text)
    message_id = (pdu.receipted_message_id or b"").decode("latin-1") if pdu.receipted_message_id else ""
    key = message_id.rstrip("\0") or (found[1] if found else "")
    receipts[key] = (text, time.monotonic())
    return 0


def _id_of(pdu: Any) -> str:
    return (pdu.message_id or b"").decode("latin-1")


def _leave(client: Any) -> None:
    with contextlib.suppress(OSError, smpplib.exceptions.ConnectionError, smpplib.exceptions.PDUError):
        client.unbind()  # the answers are in hand: how the line ends does not matter
    client.disconnect()


def told(sent: Sent, carriers: Mapping[str, str], wait: float) -> None:
    """Tell a person what came of it; `carriers` says, by message id, which carrier answered what."""
    print(f"{sent.account} -> {sent.to}: {len(sent.segments)} segment(s)")
    for number, segment in enumerate(sent.segments, 1):
        print(f"  {number}. {segment.status:<10} id {segment.message_id or '-':<12} {segment.ended(wait)}")
        if segment.message_id in carriers:
            print(f"     carrier {carriers[segment.message_id]}")
        if segment.receipt:
            print(f"     {segment.receipt}")
        if segment.message_id and segment.stat != "DELIVRD":
            print(f"     more: {program()} message {segment.message_id}")
        elif segment.status not in ("ESME_ROK", NO_ANSWER):
            print(f"     more: {program()} messages --account {sent.account} --limit 1")


def program() -> str:
    """This program as it was called, for commands that a person may type next."""
    return sys.argv[0] if Path(sys.argv[0]).name == "gateway" else "python -m gateway"
