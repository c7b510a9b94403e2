"""Text by data_coding, and long texts cut and joined again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import gsm
from gateway.smpp.concat import LOCKING_SHIFT, SINGLE_SHIFT, Udh, make_udh, parse_udh, udh_part
from gateway.smpp.text import (
    DefaultAlphabet,
    Segment,
    choose_encoding,
    decode_parts,
    decode_text,
    encode_gsm7,
    segment_text,
)

ALPHABETS: list[DefaultAlphabet] = ["gsm7", "latin1", "ascii", "gsm7-packed"]
GSM_CHARACTERS = sorted((set(gsm.DEFAULT) - {"\ufffe"}) | set(gsm.EXTENSION.values()))
gsm_texts = st.text(st.sampled_from(GSM_CHARACTERS), max_size=1000)
any_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def udh_of(*elements: tuple[int, bytes]) -> Udh:
    udh = parse_udh(make_udh(*elements))
    assert udh is not None
    return udh


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"\x00\x1be", "@€"),
        (1, b"@a\x80", "@a\ufffd"),
        (3, b"\xe9\x80", "é\x80"),
        (5, "日本語カナ".encode("shift_jis"), "日本語カナ"),
        (5, "日本語".encode("iso2022_jp"), "日本語"),
        (6, "Привет".encode("iso8859_5"), "Привет"),
        (7, "שלום".encode("iso8859_8"), "שלום"),
        (8, "验证码".encode("utf-16-be"), "验证码"),
        (10, "日本語".encode("iso2022_jp"), "日本語"),
        (13, "日本語".encode("euc_jp"), "日本語"),
        (13, "丂".encode("iso2022_jp_ext"), "丂"),
        (14, "안녕".encode("euc_kr"), "안녕"),
    ],
)
def test_each_data_coding(data_coding: int, octets: bytes, text: str) -> None:
    assert decode_text(octets, data_coding) == text


@pytest.mark.parametrize("data_coding", [2, 4, 0x14, 0x20, 0x2C, 0x74, 0xF4, 0xF5, 0xFF])
def test_eight_bit_data_is_not_text(data_coding: int) -> None:
    assert decode_text(b"abc", data_coding) is None


@pytest.mark.parametrize("data_coding", [0x10, 0x13, 0x40, 0xC0, 0xC8, 0xCF, 0xD0, 0xDF, 0xF0, 0xF3, 0xFB])
def test_gsm_groups_are_the_gsm_alphabet_whatever_the_default_is(data_coding: int) -> None:
    assert decode_text(b"\x00", data_coding, default_alphabet="latin1") == "@"
    assert decode_text(gsm.pack(b"\x00\x01"), data_coding, default_alphabet="gsm7-packed") == "@£"


@pytest.mark.parametrize("data_coding", [0x18, 0x19, 0x48, 0xE0, 0xE8, 0xEF])
def test_ucs2_groups(data_coding: int) -> None:
    assert decode_text(b"\x4f\x60", data_coding) == "你"


@pytest.mark.parametrize("data_coding", [11, 12, 15, 0x1C, 0x80, 0xBF])
def test_reserved_codings_are_the_default_alphabet(data_coding: int) -> None:
    assert decode_text(b"\xe9", data_coding, default_alphabet="latin1") == "é"


def test_default_alphabets() -> None:
    assert decode_text(b"$@\xe9", 0) == "¤¡\ufffd"
    assert decode_text(b"$@\xe9", 0, default_alphabet="latin1") == "$@é"
    assert decode_text(b"$@\xe9", 0, default_alphabet="ascii") == "$@\ufffd"
    assert decode_text(bytes.fromhex("31d98c56b3dd70"), 0, default_alphabet="gsm7-packed") == "12345678"


def test_utf16_replaces_lone_surrogates_and_odd_octets() -> None:
    assert decode_text("a😀".encode("utf-16-be"), 8) == "a😀"
    assert decode_text(b"\xd8\x3d\x00a", 8) == "\ufffda"
    assert decode_text(b"\x00a\xde\x00", 8) == "a\ufffd"
    assert decode_text(b"\x00a\x00", 8) == "a\ufffd"


def test_shift_tables_of_the_header() -> None:
    assert decode_text(b"\x1bS", 0, udh_of((SINGLE_SHIFT, b"\x01"))) == "Ş"
    assert decode_text(b"\x5b", 0, udh_of((LOCKING_SHIFT, b"\x03"))) == "Ã"
    assert (
        decode_text(b"\x00\x1b\x1c", 0xF0, udh_of((LOCKING_SHIFT, b"\x06"), (SINGLE_SHIFT, b"\x06"))) == "ँ०"
    )


def test_packed_septets_begin_at_a_septet_boundary_after_the_header() -> None:
    udh = udh_of((0, b"\x01\x02\x01"))
    packed = gsm.pack(b"hello", fill_bits=1)
    assert decode_text(packed, 0, udh, "gsm7-packed") == "hello"


@given(st.binary(max_size=300), st.integers(0, 255), st.sampled_from(ALPHABETS), st.binary(max_size=20))
def test_decode_never_raises(
    octets: bytes, data_coding: int, alphabet: DefaultAlphabet, header: bytes
) -> None:
    text = decode_text(octets, data_coding, parse_udh(header), alphabet)
    if text is not None:
        text.encode("utf-8")


def test_choose_encoding() -> None:
    assert choose_encoding("abc€") == (0, b"abc\x1be")
    assert choose_encoding("ç") == (8, b"\x00\xe7")
    assert choose_encoding("\ud800") == (8, b"\x00?")
    assert encode_gsm7("ç") is None


def check_segments(segments: list[Segment], text: str, reference: int) -> None:
    parts = []
    for number, (udhi, data_coding, short_message) in enumerate(segments, start=1):
        udh = parse_udh(short_message) if udhi else None
        header_length = udh.header_length if udh is not None else 0
        body = short_message[header_length:]
        header_septets = -(-8 * header_length // 7)
        assert (len(body) + header_septets <= 160) if data_coding == 0 else (len(short_message) <= 140)
        assert len(short_message) <= 254
        if udh is not None:
            part = udh_part(udh)
            assert part is not None
            assert part[1:] == (reference, len(segments), number)
            assert part.kind == ("udh8" if reference < 256 else "udh16")
        parts.append((body, data_coding, udh))
    assert udhi == (len(segments) > 1)
    assert decode_parts(parts) == text
    assert "".join(decode_text(*part) or "" for part in parts) == text


@given(gsm_texts, st.integers(0, 0xFFFF))
def test_gsm_texts_survive_segmenting(text: str, reference: int) -> None:
    check_segments(segment_text(text, reference), text, reference)


@given(any_texts, st.integers(0, 0xFFFF))
def test_all_texts_survive_segmenting(text: str, reference: int) -> None:
    check_segments(segment_text(text, reference), text, reference)


@pytest.mark.parametrize(
    ("text", "reference", "lengths"),
    [
        ("", 1, [0]),
        ("a" * 160, 1, [160]),
        ("a" * 161, 1, [159, 14]),
        ("a" * 161, 0x100, [159, 16]),
        ("a" * 152 + "€" + "a" * 10, 1, [158, 18]),
        ("中" * 70, 1, [140]),
        ("中" * 71, 1, [140, 14]),
        ("中" * 71, 0x100, [139, 17]),
        ("中" * 66 + "😀" + "中" * 10, 1, [138, 30]),
    ],
)
def test_where_texts_are_cut(text: str, reference: int, lengths: list[int]) -> None:
    segments = segment_text(text, reference)
    assert [len(segment.short_message) for segment in segments] == lengths
    check_segments(segments, text, reference)


def test_texts_of_more_than_255_parts_are_refused() -> None:
    assert len(segment_text("a" * 153 * 255, 1)) == 255
    with pytest.raises(ValueError, match="256"):
        segment_text("a" * (153 * 255 + 1), 1)


def test_parts_cut_inside_a_character_are_still_read() -> None:
    octets = "a😀b".encode("utf-16-be")
    assert decode_parts([(octets[:4], 8, None), (octets[4:], 8, None)]) == "a😀b"
    assert decode_parts([(b"a\x1b", 0, None), (b"eb", 0, None)]) == "a€b"


def test_parts_that_differ_are_decoded_singly() -> None:
    turkish = udh_of((SINGLE_SHIFT, b"\x01"))
    assert decode_parts([(b"\x1bS", 0, turkish), (b"\x1bS", 0, None)]) == "ŞS"
    assert decode_parts([(b"abc", 0, None), (b"\x4f\x60", 8, None)]) == "abc你"
    assert decode_parts([(b"abc", 0, None), (b"\xff", 4, None)]) == "abc"
    assert decode_parts([(b"\xff", 4, None), (b"\xff", 2, None)]) is None
    packed = [(gsm.pack(b"abc"), 0, None), (gsm.pack(b"def"), 0, None)]
    assert decode_parts(packed, "gsm7-packed") == "abcdef"
