"""The judge: what the captures of the client and of the carriers say, and whether it fits the promises.

It never looks into the gateway's store. Where a kill excuses something (a receipt twice, UNKNOWN, a second
submit to the carrier), causes are asked for and not times: whatever the gateway answered later on the same
connection proves that it had committed what came before.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from killclient import Line

_RECEIPT = re.compile(rb"id:(\S+) .*stat:([A-Z]{7}) ", re.DOTALL)

Bind = tuple[str, int]


@dataclass(slots=True)
class Attempt:
    """One submit_sm that a carrier got. `answered_at`: the line of its response."""

    bind: Bind
    answered_at: int | None = None
    told: list[Delivery] = field(default_factory=list)


@dataclass(slots=True)
class Delivery:
    """One deliver_sm of a carrier with its word on an attempt."""

    at: int
    stat: str
    taken: bool = False
    again: bool = False


class CarrierTale:
    """What the capture of the carriers tells: attempts by destination, and which responses were kept."""

    def __init__(self, path: Path) -> None:
        self.attempts: defaultdict[str, list[Attempt]] = defaultdict(list)
        self.replies: defaultdict[str, list[Delivery]] = defaultdict(list)
        self.faults: list[str] = []
        self._asked: dict[tuple[Bind, int], Attempt] = {}
        self._named: dict[tuple[str, str], Attempt] = {}
        self._delivering: dict[tuple[Bind, int], Delivery] = {}
        self._kept: defaultdict[Bind, int] = defaultdict(lambda: -1)
        with path.open(encoding="utf-8") as lines:
            for at, line in enumerate(lines):
                self._read(at, json.loads(line))

    def in_doubt(self, attempt: Attempt) -> bool:
        """Whether the gateway may have died without knowing the answer to this attempt."""
        return attempt.answered_at is None or self._kept[attempt.bind] < attempt.answered_at

    def _read(self, at: int, line: dict[str, Any]) -> None:
        if line.get("event") == "violation" or "error" in line:
            self.faults.append(f"a carrier complains: {line}")
        if "pdu" not in line:
            return
        pdu = line["pdu"]
        bind = (line["carrier"], line["connection"])
        key = (bind, pdu["sequence_number"])
        match line["dir"], pdu["command"]:
            case "in", "submit_sm":
                attempt = self._asked[key] = Attempt(bind)
                self.attempts[pdu["destination_addr"]].append(attempt)
            case "out", "submit_sm_resp" if not pdu["command_status"]:
                self._asked[key].answered_at = at
                self._named[bind[0], pdu["message_id"]] = self._asked[key]
            case "out", "deliver_sm" if not pdu["esm_class"]:
                reply = self._delivering[key] = Delivery(at, "reply", again=True)
                self.replies[pdu["source_addr"]].append(reply)
            case "out", "deliver_sm":
                found = _RECEIPT.match(bytes.fromhex(pdu["short_message"]))
                assert found is not None
                attempt = self._named.get((bind[0], found[1].decode())) or self._unnamed(pdu["source_addr"])
                delivery = Delivery(at, found[2].decode(), again=bool(attempt.told))
                attempt.told.append(delivery)
                self._delivering[key] = delivery
            case "in", "deliver_sm_resp" if not pdu["command_status"]:
                delivery = self._delivering[key]
                delivery.taken = True
                if not delivery.again:
                    self._kept[bind] = max(self._kept[bind], delivery.at)

    def _unnamed(self, destination: str) -> Attempt:
        """The attempt whose response was cut off, so that its id was never told."""
        return next(attempt for attempt in self.attempts[destination] if attempt.answered_at is None)


class ClientTale:
    """What the client's capture tells, by destination; each destination was written to once."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.accepted: dict[str, str] = {}
        self.refused: set[str] = set()
        self.cut: set[str] = set()
        self.receipts: defaultdict[str, list[tuple[int, Line]]] = defaultdict(list)
        self.replies: defaultdict[str, list[tuple[int, Line]]] = defaultdict(list)
        self.faults = [f"the client complains: {line}" for line in lines if line.what == "fault"]
        self._kept: defaultdict[int, int] = defaultdict(lambda: -1)
        submitted: dict[str, int] = {}
        for at, line in enumerate(lines):
            destination = line.destination
            if line.what == "submitted":
                submitted[destination] = at
            elif line.what == "accepted":
                self.accepted[destination] = line.message_id
                self._kept[line.link] = max(self._kept[line.link], submitted[destination])
            elif line.what == "refused":
                self.refused.add(destination)
            elif line.what == "cut":
                self.cut.add(destination)
            elif line.what == "reply":
                self.replies[destination].append((at, line))
            elif line.what == "receipt":
                self.receipts[destination].append((at, line))

    def was_taken(self, at: int, receipt: Line) -> bool:
        """Whether the gateway had committed the client's answer to this receipt or reply."""
        return self._kept[receipt.link] > at


class Captures:
    """Both tales, and what they ought to be. `unanswered` is the carriers' policy; carriers that are not
    `faithful` tell a receipt once and never again.
    """

    def __init__(self, lines: Sequence[Line], capture: Path, unanswered: str, faithful: bool = True) -> None:
        self.client = ClientTale(lines)
        self.carriers = CarrierTale(capture)
        self.resend = unanswered == "resend"
        self.faithful = faithful

    def due(self) -> set[str]:
        """The destinations of which the client must hear: what it was promised, and what was sent."""
        attempts = self.carriers.attempts
        due = {*self.client.accepted, *attempts}
        return due if self.faithful else {to for to in due if not attempts.get(to) or was_told(attempts[to])}

    def replies_due(self) -> set[str]:
        """The handsets whose replies the gateway has taken."""
        return {
            handset for handset, told in self.carriers.replies.items() if any(each.taken for each in told)
        }

    def faults(self, doubtful: int) -> list[str]:
        """All that is amiss; at most `doubtful` messages may end UNKNOWN."""
        faults = [*self.client.faults, *self.carriers.faults]
        due = self.due()
        unknown = 0
        for destination in sorted({*due, *self.client.receipts}):
            receipts = self.client.receipts.get(destination, [])
            attempts = self.carriers.attempts.get(destination, [])
            found = list(self._sent(destination, attempts))
            if receipts:
                stat = receipts[0][1].word
                unknown += stat == "UNKNOWN"
                found += [*self._told(destination, receipts), *self._word(stat, attempts)]
            elif destination in due:
                found.append("no receipt")
            faults += [f"{destination}: {fault}; {attempts} {receipts}" for fault in found]
        for handset in sorted(self.replies_due() | set(self.client.replies)):
            faults += [f"reply of {handset}: {fault}" for fault in self._replied(handset)]
        if unknown > doubtful:
            faults.append(f"{unknown} messages ended UNKNOWN, at most {doubtful} can have been in doubt")
        return faults

    def _told(self, destination: str, receipts: list[tuple[int, Line]]) -> Iterator[str]:
        """One receipt, with the message's own id, for what was accepted; a second only by a kill."""
        client = self.client
        told = {(line.message_id, line.word) for _, line in receipts}
        if len(told) > 1:
            yield "receipts that differ"
        if destination in client.accepted:
            if any(message_id != client.accepted[destination] for message_id, _ in told):
                yield "a receipt with another id"
        elif destination in client.refused:
            yield "a receipt for what was refused"
        elif destination not in client.cut:
            yield "a receipt for what was never sent"
        for (at, line), (_, again) in pairwise(receipts):
            if again.life == line.life:
                yield "a receipt twice, and the gateway was not killed between"
            elif client.was_taken(at, line):
                yield "a receipt again whose answer was committed"

    def _replied(self, handset: str) -> Iterator[str]:
        """What the gateway took comes, once for each time that the carrier said it; more only by a kill."""
        told = self.carriers.replies.get(handset, [])
        heard = self.client.replies.get(handset, [])
        if any(each.taken for each in told) and not heard:
            yield f"lost; {told}"
        most = max(Counter(line.life for _, line in heard).values(), default=0)
        again = len(told) == 1 and any(self.client.was_taken(at, line) for at, line in heard[:-1])
        if most > len(told) or again:
            yield f"more often than it was said; {told} {heard}"

    def _sent(self, destination: str, attempts: list[Attempt]) -> Iterator[str]:
        """What goes to a carrier was accepted; a second time only if the first was in doubt."""
        if attempts and destination in self.client.refused:
            yield "sent to a carrier though it was refused"
        if len(attempts) > 1 and not self.resend:
            yield "sent twice to a carrier"
        if any(not self.carriers.in_doubt(attempt) for attempt in attempts[:-1]):
            yield "sent again though the carrier's answer was committed"

    def _word(self, stat: str, attempts: list[Attempt]) -> Iterator[str]:
        """The client's last word is a carrier's, but UNKNOWN where the policy says so."""
        if stat == "UNKNOWN" and not self.resend:
            if not all(self.carriers.in_doubt(attempt) for attempt in attempts):
                yield "UNKNOWN, though the carrier's answer was committed"
        elif not any(delivery.stat == stat for attempt in attempts for delivery in attempt.told):
            yield f"{stat}, which no carrier reported"


def was_told(attempts: Sequence[Attempt]) -> bool:
    """Whether the gateway said that it has taken a carrier's receipt for this."""
    return any(delivery.taken for attempt in attempts for delivery in attempt.told)
