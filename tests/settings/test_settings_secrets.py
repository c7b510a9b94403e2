"""Secrets from outside, and hashes of them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.secrets import Remembered, hash_password, is_hash, parse_hash, reveal, verify

# RFC 7914, section 12: P="password", S="NaCl", N=1024, r=8, p=16.
VECTOR = (
    "scrypt$1024$8$16$TmFDbA==$"
    "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA=="
)


def test_known_vector() -> None:
    assert verify("password", VECTOR)
    assert not verify("Password", VECTOR)


@settings(max_examples=10, deadline=None)
@given(st.text(max_size=8), st.text(max_size=8))
def test_only_the_password_fits_its_hash(password: str, other: str) -> None:
    stored = hash_password(password)
    assert is_hash(stored)
    assert (parse_hash(stored).n, parse_hash(stored).r, parse_hash(stored).p) == (4096, 8, 1)
    assert verify(password, stored)
    assert verify(other, stored) == (other == password)


def test_salts_differ() -> None:
    assert hash_password("bankpass") != hash_password("bankpass")


def test_a_secret_from_outside_is_compared_as_it_is() -> None:
    assert verify("bankpass", "bankpass")
    assert not verify("bankpas", "bankpass")


@pytest.mark.parametrize(
    "text",
    [
        "scrypt",
        "scrypt$4096$8$1$c2FsdA==",
        "scrypt$4096$8$1$c2FsdA==$",
        "scrypt$4096$8$1$$aGFzaA==",
        "scrypt$4095$8$1$c2FsdA==$aGFzaA==",
        "scrypt$4096$0$1$c2FsdA==$aGFzaA==",
        "scrypt$4096$8$17$c2FsdA==$aGFzaA==",
        "scrypt$1073741824$8$1$c2FsdA==$aGFzaA==",
        "scrypt$4096$8$1$c2FsdA==$not base64",
        "bcrypt$4096$8$1$c2FsdA==$aGFzaA==",
    ],
)
def test_no_hashes(text: str) -> None:
    with pytest.raises(ValueError, match="hash"):
        parse_hash(text)


def test_reveal(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"from a file\r\n")
    environ = {"NAME": "a value"}
    assert reveal("${NAME}", environ, tmp_path) == "a value"
    assert reveal("x-${NAME}-${file:secret.txt}", environ, tmp_path) == "x-a value-from a file"
    assert reveal("$NAME and {NAME}", environ, tmp_path) == "$NAME and {NAME}"
    with pytest.raises(ValueError, match=r"no NAM \(did you mean 'NAME'\?\)"):
        reveal("${NAM}", environ, tmp_path)
    with pytest.raises(ValueError, match="No such file"):
        reveal("${file:none.txt}", environ, tmp_path)
    with pytest.raises(ValueError, match="neither"):
        reveal("${a b}", environ, tmp_path)


def test_a_secret_file_must_be_text(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        reveal("${file:binary}", {}, tmp_path)


def test_remembered() -> None:
    remembered = Remembered()
    assert not remembered.knows("bank", "bankpass", "stored")
    remembered.remember("bank", "bankpass", "stored")
    assert remembered.knows("bank", "bankpass", "stored")
    assert not remembered.knows("bank", "bankpass", "stored anew")
    assert not remembered.knows("bank", "bankpas", "stored")
    assert not remembered.knows("shop", "bankpass", "stored")
    assert not Remembered().knows("bank", "bankpass", "stored")
