"""Framing: the same frames however the stream is cut, and the end of it when a length is out of bounds."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp_strategies import frame_of, pdus

from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId, CommandStatus
from gateway.smpp.framing import Framer, FramingError
from gateway.smpp.pdus import EnquireLink, GenericNack, SubmitSm

LIMIT = 70_000
frames = st.lists(pdus.map(encode), max_size=8)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream cut at these places, empty pieces among them."""
    marks = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(marks)]


class Outcome(NamedTuple):
    """What came of a stream: the whole frames, the octets left over, what ended it."""

    frames: list[bytes]
    pending: int
    broken: str


def outcome(chunks: list[bytes], limit: int = LIMIT) -> Outcome:
    """Feeds chunks until framing is lost."""
    framer, found = Framer(limit), []
    for chunk in chunks:
        try:
            found += framer.feed(chunk)
        except FramingError as error:
            return Outcome(found + error.frames, 0, error.detail.partition(":")[0])
    return Outcome(found, framer.pending, "")


@given(frames, st.lists(st.integers(0, 1 << 16)), st.binary(max_size=3))
def test_any_cut_gives_the_same_frames(whole: list[bytes], places: list[int], rest: bytes) -> None:
    stream = b"".join(whole) + rest
    assert outcome(cut(stream, places)) == Outcome(whole, len(rest), "")


@given(frames)
def test_octet_by_octet(whole: list[bytes]) -> None:
    stream = b"".join(whole)
    assert outcome([bytes((octet,)) for octet in stream]) == Outcome(whole, 0, "")


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 17, 64, 4096, 1 << 20])
def test_chunks_of_every_size(size: int) -> None:
    whole = [encode(SubmitSm(number, short_message=bytes(number % 255))) for number in range(300)]
    stream = b"".join(whole)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert outcome(chunks) == Outcome(whole, 0, "")


@given(frames, st.binary(max_size=200), st.lists(st.integers(0, 1 << 16)), st.integers(16, 600))
def test_noise_is_cut_alike_however_it_comes(
    whole: list[bytes], noise: bytes, places: list[int], limit: int
) -> None:
    stream = b"".join(whole) + noise
    assert outcome(cut(stream, places), limit) == outcome([stream], limit)


def test_pending_counts_the_octets_of_an_incomplete_pdu() -> None:
    framer = Framer(LIMIT)
    frame = encode(EnquireLink(1))
    assert (framer.feed(frame[:3]), framer.pending) == ([], 3)
    assert (framer.feed(frame[3:15]), framer.pending) == ([], 15)
    assert (framer.feed(frame[15:] + frame[:1]), framer.pending) == ([frame], 1)
    assert (framer.feed(frame[1:]), framer.pending) == ([frame], 0)


def test_the_limit_is_that_of_the_moment() -> None:
    frame = encode(SubmitSm(1, short_message=bytes(200)))
    framer = Framer(len(frame) - 1)
    with pytest.raises(FramingError):
        Framer(framer.limit).feed(frame)
    framer.limit = len(frame)
    assert framer.feed(frame) == [frame]


def test_frames_before_the_bad_one_are_kept() -> None:
    good = encode(EnquireLink(1))
    with pytest.raises(FramingError) as caught:
        Framer(512).feed(good + good + bytes(16))
    assert caught.value.frames == [good, good]
    assert caught.value.status == CommandStatus.ESME_RINVCMDLEN


def test_what_is_lost_stays_lost() -> None:
    framer = Framer(512)
    for data in (bytes(20), encode(EnquireLink(1)), b"", bytes(1 << 16)):
        with pytest.raises(FramingError) as caught:
            framer.feed(data)
        assert caught.value.frames == []
        assert framer.pending <= 16


def too_long(command: int) -> bytes:
    """The header of a PDU that claims 600 octets, with sequence number 9."""
    return b"\0\0\2\x58" + frame_of(command, 0, 9, b"")[4:]


@pytest.mark.parametrize(
    ("head", "sequence_number"),
    [
        (too_long(CommandId.submit_sm), 9),
        (too_long(0x0110), 0),
        (too_long(CommandId.submit_sm)[:15], 0),
        (b"\0\0\0\x0f" + frame_of(CommandId.unbind, 0, 9, b"")[4:], 0),
        (b"\0\0\0\0", 0),
        (b"\xff\xff\xff\xff", 0),
    ],
)
def test_the_sequence_number_is_echoed_if_the_header_can_be_trusted(
    head: bytes, sequence_number: int
) -> None:
    with pytest.raises(FramingError) as caught:
        Framer(512).feed(head)
    assert caught.value.sequence_number == sequence_number
    assert caught.value.answer == GenericNack(sequence_number, CommandStatus.ESME_RINVCMDLEN)


@pytest.mark.parametrize("greeting", [b"HTTP", b"GET / HTTP/1.1\r\n", b"AMQP\0\0\x09\x01", b"SSH-2.0-x\r\n"])
def test_other_protocols_are_not_answered(greeting: bytes) -> None:
    with pytest.raises(FramingError, match="not SMPP") as caught:
        Framer(LIMIT).feed(greeting)
    assert caught.value.answer is None
