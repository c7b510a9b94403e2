"""The keys of the store: their text, their file, one version more."""

from pathlib import Path

import pytest

from gateway.settings.keys import BadKeys, keys_path, new_keyring, parse_keys, read_keys, write_keys


def test_keys_survive_their_text() -> None:
    keyring = new_keyring()
    assert parse_keys(keyring.text()) == keyring
    assert parse_keys(" ".join(keyring.text().splitlines()[1:])) == keyring
    assert keyring.current == 1
    more = keyring.rotated()
    assert (more.current, more.versions[1], more.search) == (2, keyring.versions[1], keyring.search)
    assert more.fingerprint == keyring.fingerprint != new_keyring().fingerprint
    assert 0 < keyring.fingerprint < 1 << 62


def test_a_file_is_its_owners_alone_and_is_replaced_whole(tmp_path: Path) -> None:
    path = keys_path(tmp_path / "state", None)
    assert path == tmp_path / "state.keys"
    assert read_keys(path) is None
    keyring = new_keyring()
    write_keys(path, keyring)
    assert path.stat().st_mode & 0o777 == 0o600
    write_keys(path, keyring.rotated())
    found = read_keys(path)
    assert found is not None
    assert found.versions[1] == keyring.versions[1]
    assert [each.name for each in tmp_path.iterdir()] == ["state.keys"]


@pytest.mark.parametrize("text", ["", "search:AAAA", "1:x", "0:" + "A" * 43 + "=", "two words", "256:AAAA"])
def test_what_are_no_keys(text: str) -> None:
    with pytest.raises(BadKeys) as refused:
        parse_keys(text)
    assert "AAAA" not in str(refused.value)


def test_a_search_key_alone_is_not_enough() -> None:
    (_, search, _) = new_keyring().text().splitlines()
    with pytest.raises(BadKeys, match="at least one version"):
        parse_keys(search)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadKeys, match="cannot be written"):
        write_keys(tmp_path / "file" / "keys", new_keyring())
