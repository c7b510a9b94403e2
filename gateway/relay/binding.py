"""Who may bind. Every refusal for who is asking is ESME_RBINDFAIL, with the reason in the log and never in
the answer: some clients give up for good on the finer codes, and a stranger learns nothing."""

from __future__ import annotations

from collections import Counter, OrderedDict
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from gateway.relay.accounts import Account, Accounts
from gateway.relay.client import Client
from gateway.relay.clocks import Clocks
from gateway.settings.models import Limits
from gateway.settings.secrets import Remembered, is_hash, verify
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
)
from gateway.smpp.states import BindPdu, State

log = Logger(__name__)

TYPES = {BindTransmitter: "transmitter", BindReceiver: "receiver", BindTransceiver: "transceiver"}
ANSWERS: dict[type, type[BindTransmitterResp | BindReceiverResp | BindTransceiverResp]] = {
    BindTransmitter: BindTransmitterResp,
    BindReceiver: BindReceiverResp,
    BindTransceiver: BindTransceiverResp,
}
OUR_VERSION = 0x50
QUEUE_LIMIT = 500  # passwords that may wait for their verification
WATCHED = 10_000  # addresses whose failures are remembered
DRAINING, TOO_MANY = "draining", "too many sessions"
INNOCENT = frozenset({DRAINING, TOO_MANY})  # refusals of who may well be who he says: no guesses


class Lockout:
    """Failed binds by address: after `limits.bind_failures` in a row it is shut out, each time for longer."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def locked(self, address: str) -> bool:
        """Whether binds from here are refused unheard now."""
        return self.clocks.timer.seconds() < self._failures.get(address, (0, 0.0))[1]

    def failed(self, address: str, limits: Limits) -> None:
        """One more failure from here."""
        count = self._failures.pop(address, (0, 0.0))[0] + 1
        over = count - limits.bind_failures
        pause = limits.bind_lockout * 2 ** min(over, 4) if over >= 0 else 0.0
        self._failures[address] = (count, self.clocks.timer.seconds() + pause)
        if len(self._failures) > WATCHED:
            self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """A bind from here was granted."""
        self._failures.pop(address, None)


class Binding:
    """Grants and refuses binds. Passwords are verified on a small pool of threads, then remembered as
    HMACs.
    """

    def __init__(
        self, accounts: Accounts, clocks: Clocks, reactor: Any, system_id: str, limits: Limits
    ) -> None:
        self.accounts = accounts
        self.clocks = clocks
        self.reactor = reactor
        self.system_id = system_id[:15]
        self.limits = limits
        self.lockout = Lockout(clocks)
        self.draining = False
        self.refused: Counter[str] = Counter()
        self._remembered = Remembered()
        self._pool = ThreadPool(1, 2, "passwords")
        self._queued = 0

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def stop(self) -> None:
        """Stop the threads."""
        self._pool.stop()

    def bind(self, client: Client, pdu: BindPdu) -> None:
        """Decide on a bind; the answer may come later, when the password has been verified."""
        Deferred.fromCoroutine(self._decide(client, pdu)).addErrback(self._failed, client, pdu)

    def _failed(self, failure: Any, client: Client, pdu: BindPdu) -> None:
        log.failure("a bind could not be decided", failure=failure)
        self._refuse(client, pdu, "internal error")

    async def _decide(self, client: Client, pdu: BindPdu) -> None:
        address = client.protocol.peer
        if self.lockout.locked(address):
            self._refuse(client, pdu, "locked out after repeated failures")
            return
        account = self.accounts.get(pdu.system_id)
        reason = self._barred(account, pdu, address)
        if reason is None and account is not None:
            account.binding += 1
            try:
                if not await self._knows(account, pdu.password):
                    reason = "wrong password"
            finally:
                account.binding -= 1
        if reason is not None or account is None:
            if reason not in INNOCENT:
                self.lockout.failed(address, self.limits)
            self._refuse(client, pdu, reason or "unknown system_id")
            return
        self.lockout.succeeded(address)
        if client.protocol.session.state is State.CLOSED:
            return  # it left while its password was verified
        self._grant(client, account, pdu)

    def _barred(self, account: Account | None, pdu: BindPdu, address: str) -> str | None:
        """Why this account may not bind, before its password is looked at."""
        if self.draining:
            return DRAINING
        if account is None or account.removed:
            return "unknown system_id"
        settings = account.settings
        if settings.networks and not _inside(address, settings.networks):
            return "address not allowed"
        if TYPES[type(pdu)] not in settings.bind_types:
            return f"may not bind as {TYPES[type(pdu)]}"
        if len(account.sessions) + account.binding >= settings.sessions:
            return TOO_MANY
        return None

    async def _knows(self, account: Account, password: str) -> bool:
        stored = account.settings.password.get_secret_value()
        if not is_hash(stored):
            return verify(password, stored)
        if self._remembered.knows(account.name, password, stored):
            return True
        if self._queued >= QUEUE_LIMIT:
            return False
        self._queued += 1
        try:
            right = await deferToThreadPool(self.reactor, self._pool, verify, password, stored)
        finally:
            self._queued -= 1
        if right:
            self._remembered.remember(account.name, password, stored)
        return bool(right)

    def _grant(self, client: Client, account: Account, pdu: BindPdu) -> None:
        tlvs = (
            (Tlv(Tag.sc_interface_version, bytes((OUR_VERSION,))),) if pdu.interface_version >= 0x34 else ()
        )
        client.respond(ANSWERS[type(pdu)](pdu.sequence_number, 0, self.system_id, tlvs=tlvs))
        client.server.outgoing.flush()
        client.bound(account, pdu)
        log.info(
            "account {account}: bound as {type} from {address}, version {version:#x}",
            account=account.name,
            type=TYPES[type(pdu)],
            address=client.protocol.peer,
            version=pdu.interface_version,
        )

    def _refuse(self, client: Client, pdu: BindPdu, reason: str) -> None:
        self.refused[reason] += 1
        log.warn(
            "bind of {system_id!r} from {address} refused: {reason}",
            system_id=pdu.system_id,
            address=client.protocol.peer,
            reason=reason,
        )
        client.refuse(pdu, CommandStatus.ESME_RBINDFAIL)
        client.server.outgoing.flush()
        client.protocol.close()


def _inside(address: str, networks: Any) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any(mapped in network if mapped is not None else found in network for network in networks)
