"""The judge of the kills: it must find what is amiss, and excuse what a kill excuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from killclient import Line
from killjudge import Captures

TO, OTHER = "8619910000001", "8619910000002"


def said(life: int, link: int, *words: tuple[str, ...]) -> list[Line]:
    """Lines of one link of the client."""
    return [Line(life, link, *word) for word in words]


def accepted(to: str = TO, id: str = "1") -> tuple[tuple[str, ...], ...]:
    return ("submitted", to), ("accepted", to, id)


def receipt(stat: str = "DELIVRD", to: str = TO, id: str = "1") -> tuple[str, ...]:
    return ("receipt", to, id, stat)


class Wire:
    """Writes the capture of one connection of a carrier."""

    def __init__(self, connection: int = 1) -> None:
        self.lines: list[dict[str, Any]] = []
        self.connection = connection
        self.sequence = 0

    def pdu(self, dir: str, command: str, sequence: int, **fields: Any) -> None:
        pdu = {"command": command, "sequence_number": sequence, "command_status": 0, **fields}
        self.lines.append({"carrier": "alpha", "connection": self.connection, "dir": dir, "pdu": pdu})

    def submit(self, id: str | None = "a", to: str = TO) -> Wire:
        """A submit and, if it has an id, its answer."""
        self.sequence += 1
        self.pdu("in", "submit_sm", self.sequence, destination_addr=to)
        if id is not None:
            self.pdu("out", "submit_sm_resp", self.sequence, message_id=id)
        return self

    def tell(self, stat: str = "DELIVRD", id: str = "a", to: str = TO, taken: bool = True) -> Wire:
        """A receipt and, if it was taken, its answer."""
        self.sequence += 1
        text = f"id:{id} sub:001 dlvrd:001 stat:{stat} err:000 text:".encode().hex()
        self.pdu("out", "deliver_sm", self.sequence, esm_class=4, source_addr=to, short_message=text)
        if taken:
            self.pdu("in", "deliver_sm_resp", self.sequence)
        return self


@pytest.fixture
def faults(tmp_path: Path):
    """Judges: `faults(lines, wires)` are the first words of every fault."""

    def judge(
        lines: Sequence[Line], *wires: Wire, unanswered: str = "unknown", doubtful: int = 9
    ) -> list[str]:
        path = tmp_path / "capture"
        path.write_text("\n".join(json.dumps(line) for wire in wires for line in wire.lines))
        found = Captures(lines, path, unanswered).faults(doubtful)
        return [fault.partition(": ")[2].partition(";")[0] for fault in found]

    return judge


def test_all_is_well(faults):
    assert faults(said(0, 1, *accepted(), receipt()), Wire().submit().tell()) == []


def test_a_lost_receipt(faults):
    assert faults(said(0, 1, *accepted()), Wire().submit().tell()) == ["no receipt"]
    assert faults([], Wire().submit(None)) == ["no receipt"]


def test_a_false_word(faults):
    wire = Wire().submit().tell("UNDELIV")
    assert faults(said(0, 1, *accepted(), receipt()), wire) == ["DELIVRD, which no carrier reported"]
    assert faults(said(0, 1, *accepted(), receipt())) == ["DELIVRD, which no carrier reported"]


def test_a_receipt_twice(faults):
    wire = Wire().submit().tell()
    once = said(0, 1, *accepted(), receipt())
    assert faults([*once, *said(0, 1, receipt())], wire) == [
        "a receipt twice, and the gateway was not killed between"
    ]
    assert faults([*once, *said(1, 2, receipt())], wire) == []
    later = said(0, 1, *accepted(OTHER, "2"), receipt("UNKNOWN", OTHER, "2"))
    assert faults([*once, *later, *said(1, 2, receipt())], wire) == [
        "a receipt again whose answer was committed"
    ]


def test_receipts_that_do_not_belong(faults):
    wire = Wire().submit().tell()
    assert faults(said(0, 1, *accepted(), receipt(id="2")), wire) == ["a receipt with another id"]
    assert faults(said(0, 1, ("submitted", TO), ("cut", TO), receipt()), wire) == []
    assert faults(said(0, 1, ("submitted", TO), receipt()), wire) == ["a receipt for what was never sent"]
    refused = said(0, 1, ("submitted", TO), ("refused", TO), receipt())
    assert faults(refused, wire) == [
        "sent to a carrier though it was refused",
        "a receipt for what was refused",
    ]


def test_unknown_is_for_what_is_in_doubt(faults):
    unknown = said(0, 1, *accepted(), receipt("UNKNOWN"))
    assert faults(unknown) == []
    assert faults(unknown, Wire().submit()) == []
    assert faults(unknown, Wire().submit().tell(taken=False)) == []
    assert faults(unknown, Wire().submit().tell()) == ["UNKNOWN, though the carrier's answer was committed"]
    assert faults(unknown, unanswered="resend") == ["UNKNOWN, which no carrier reported"]
    assert len(faults(unknown, doubtful=0)) == 1


def test_a_second_submit_is_for_what_is_in_doubt(faults):
    lines = said(0, 1, *accepted(), receipt())
    again = Wire(2).submit("b").tell(id="b")
    assert faults(lines, Wire().submit(), again, unanswered="resend") == []
    assert faults(lines, Wire().submit(), again) == ["sent twice to a carrier"]
    assert faults(lines, Wire().submit().tell(), again, unanswered="resend") == [
        "sent again though the carrier's answer was committed"
    ]
