"""The 7-bit alphabets: every cell of every table, the escape rules of section 6.2.1.1, packing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import gsm

TABLES = [
    line.split()
    for line in (Path(__file__).parents[1] / "data" / "gsm-tables.txt").read_text().splitlines()
    if not line.startswith("#")
]
CHARACTERS = sorted((set(gsm.DEFAULT) - {"\ufffe"}) | set(gsm.EXTENSION.values()))
texts = st.text(st.sampled_from(CHARACTERS), max_size=200)
septets = st.binary(max_size=170).map(lambda octets: bytes(octet & 0x7F for octet in octets))


@pytest.mark.parametrize("row", TABLES, ids=[f"{row[0]}-{row[2]}" for row in TABLES])
def test_every_cell_of_every_table(row: list[str]) -> None:
    kind, identifier, _, *cells = row
    language = int(identifier)
    assert len(cells) == 128
    for code, cell in enumerate(cells):
        if code == gsm.ESC:
            continue
        if kind == "locking":
            expected = "\ufffd" if cell == "...." else chr(int(cell, 16))
            assert gsm.decode(bytes((code,)), locking=language) == expected
        elif cell == "....":
            assert code not in gsm.SINGLE[language]
        else:
            assert gsm.decode(bytes((gsm.ESC, code)), single=language) == chr(int(cell, 16))


def test_all_tables_are_there() -> None:
    assert {int(row[1]) for row in TABLES if row[0] == "single"} == set(range(14))
    assert {int(row[1]) for row in TABLES if row[0] == "locking"} == set(range(14)) - {2}
    assert len(gsm.LOCKING) == len(gsm.SINGLE) == 14
    assert gsm.LOCKING[2] == gsm.DEFAULT


def test_escape_before_a_septet_without_meaning_shows_the_locking_table() -> None:
    assert gsm.decode(b"\x1ba") == "a"
    assert gsm.decode(b"\x1b\x60", locking=1) == "ç"


def test_double_and_last_escapes_show_a_space() -> None:
    assert gsm.decode(b"a\x1b\x1be") == "a e"
    assert gsm.decode(b"a\x1b") == "a "
    assert gsm.decode(b"\x1b\x1b\x1be") == " €"


def test_octets_above_septets_are_replaced() -> None:
    assert gsm.decode(b"a\x80\xffb") == "a\ufffd\ufffdb"
    assert gsm.decode(b"\x1b\x80b") == "\ufffdb"


def test_unknown_languages_mean_the_default_tables() -> None:
    assert gsm.decode(b"\x04\x1be", locking=14, single=255) == "è€"


def test_a_shift_table_replaces_the_extension() -> None:
    assert gsm.decode(b"\x1bc", single=1) == "ç"
    assert gsm.decode(b"\x1bA", single=4) == "A"
    assert gsm.decode(b"\x1b\x1c", single=4) == "২"


@pytest.mark.parametrize("text", ["ç", "`", "中", "\x1b", "\u00a0", "\ud800"])
def test_what_the_alphabet_lacks_is_not_encoded(text: str) -> None:
    assert gsm.encode("a" + text) is None


def test_paragraph_sign_and_grave() -> None:
    assert gsm.encode("§_@") == b"\x5f\x11\x00"


@given(texts)
def test_round_trip(text: str) -> None:
    octets = gsm.encode(text)
    assert octets is not None
    assert gsm.decode(octets) == text


@given(st.binary(), st.integers(0, 255), st.integers(0, 255))
def test_decode_never_raises(octets: bytes, locking: int, single: int) -> None:
    text = gsm.decode(octets, locking, single)
    assert len(text) <= len(octets)
    assert "\ufffe" not in text


@given(septets, st.integers(0, 6))
def test_packing_round_trip(unpacked: bytes, fill_bits: int) -> None:
    packed = gsm.pack(unpacked, fill_bits)
    again = gsm.unpack(packed, fill_bits)
    assert again.rstrip(b"\r") == unpacked.rstrip(b"\r")
    if not unpacked.endswith(b"\r"):
        assert again == unpacked
        assert len(packed) == (fill_bits + 7 * len(unpacked) + 7) // 8


@given(st.binary(), st.integers(0, 6))
def test_unpacking_never_raises(octets: bytes, fill_bits: int) -> None:
    assert all(septet < 0x80 for septet in gsm.unpack(octets, fill_bits))


def test_seven_spare_bits_hold_a_carriage_return() -> None:
    assert gsm.pack(b"1234567") == bytes.fromhex("31d98c56b3dd1a")
    assert gsm.unpack(bytes.fromhex("31d98c56b3dd1a")) == b"1234567"


def test_a_wanted_carriage_return_on_an_octet_boundary_is_doubled() -> None:
    packed = gsm.pack(b"1234567\r")
    assert len(packed) == 8
    assert gsm.unpack(packed) == b"1234567\r\r"
