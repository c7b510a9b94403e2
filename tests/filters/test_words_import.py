"""Public lists brought in: three forms, log only, and what is left out with its line and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.filters.entries import Severity
from gateway.filters.wordimport import Imported, LeftOut, import_list
from gateway.filters.wordlists import load_wordlists


def brought_in(tmp_path: Path, name: str, content: bytes) -> tuple[Imported, list[str]]:
    """What an import says, and the words of the list that it made."""
    (tmp_path / name).write_bytes(content)
    target = tmp_path / "brought-in.txt"
    imported = import_list(tmp_path / name, target, "public", "zh", ["spam"])
    words, problems = load_wordlists([target])
    assert not problems
    assert {(one.severity, one.source, one.language, one.tags) for one in words.entries()} <= {
        (Severity.LOG, "public", "zh", ("imported", "spam"))
    }
    return imported, [entry.word for entry in sorted(words.entries(), key=lambda entry: entry.line)]


def test_txt_in_gb_18030(tmp_path: Path) -> None:
    long = "长" * 70
    text = f"赌博,賭博、六合彩\n的\nab\n# note\nSPAM|Spam\n{long}\n！！\n"
    imported, words = brought_in(tmp_path, "public.txt", text.encode("gb18030"))
    assert words == ["赌博", "六合彩", "SPAM"]
    assert imported == Imported(
        3,
        (
            LeftOut(1, "賭博", "double", "is the same as '赌博' on line 1"),
            LeftOut(2, "的", "short", "has 1 letters and digits, 2 at least mean something"),
            LeftOut(3, "ab", "short", "has 2 letters and digits, 3 at least mean something"),
            LeftOut(5, "Spam", "double", "is the same as 'SPAM' on line 5"),
            LeftOut(6, long, "long", "has 70 letters and digits, more than 64 are a sentence"),
            LeftOut(7, "！！", "empty", "has neither letter nor digit"),
        ),
    )


def test_csv_by_its_column_or_its_first(tmp_path: Path) -> None:
    named = 'id,Word,note\n1,casino,x\n\n2,"free, money",y\n3\n'
    assert brought_in(tmp_path, "a.csv", named.encode())[1] == ["casino", "free, money"]
    assert brought_in(tmp_path, "b.csv", b"casino,1\nlottery,2\n")[1] == ["casino", "lottery"]


def test_yaml_wherever_its_lists_are(tmp_path: Path) -> None:
    groups = "gambling: [casino, {word: lottery, weight: 3}]\n  other:\n    - 110 110\n    - of\n"
    text = f"about: none\ngroups:\n  {groups}"
    imported, words = brought_in(tmp_path, "a.yaml", text.encode())
    assert words == ["casino", "lottery", "110 110"]
    assert [(one.line, one.kind) for one in imported.left_out] == [(6, "short")]


def test_what_would_be_a_comment_stays_a_word(tmp_path: Path) -> None:
    assert brought_in(tmp_path, "a.csv", b"word\nC #minor\n")[1] == ["C minor"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b'word\n"' + b"x" * 200_000, "line 2 cannot be read"),
        ("a.yaml", b"a: [x\n", "line 2 cannot be read"),
    ],
)
def test_files_that_cannot_be_read_on(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        brought_in(tmp_path, name, content)


def test_names_that_would_break_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word\n")
    for name, tag in (("", "x"), ("a b", "x"), ("a", "x|y"), ("a", "#x"), ("a'", "x")):
        with pytest.raises(ValueError, match="single words"):
            import_list(tmp_path / "a.txt", tmp_path / "b.txt", name, tags=[tag])
