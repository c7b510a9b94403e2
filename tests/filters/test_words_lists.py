"""Lists as files: three forms, problems with their places, reloads by difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.filters.entries import Entry, Flags, Severity
from gateway.filters.wordlists import load_wordlists
from gateway.filters.words import WordList

TXT = """\
# a comment
赌博  # another
#: severity=warn tags=a|b unless="stop it|诈骗"
casino
C# minor
"""

CSV = """\
#: tags=c language=en
word,severity,flags,near,unless,expires
#: tags=d language=zh
赌博,reject,pinyin|split

"a, b",hold,,x|y,z,2027-01-31
"""

YAML = """\
defaults: {tags: [e], scope: tenant:acme}
entries:
  - no
  - 110
  - word: 赌博
    severity: allow
    scope: platform
    near: [x, y]
    expires: 2027-01-31T12:00:00+08:00
    source: own
"""


def entries(words: WordList) -> list[Entry]:
    return sorted(words.entries(), key=lambda entry: (entry.file, entry.line))


def written(folder: Path, **files: str) -> Path:
    """A directory of these files; `_` in a name stands for the dot of its ending."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_txt(tmp_path: Path) -> None:
    words, problems = load_wordlists([written(tmp_path, a_txt=TXT) / "a.txt"])
    assert not problems
    file = str(tmp_path / "a.txt")
    common = {"tags": ("a", "b"), "unless": ("stop it", "诈骗"), "file": file}
    assert entries(words) == [
        Entry("赌博", Severity.LOG, file=file, line=2),
        Entry("casino", Severity.WARN, line=4, **common),
        Entry("C# minor", Severity.WARN, line=5, **common),
    ]
    assert entries(words)[0].place == f"{file}:2"


def test_csv(tmp_path: Path) -> None:
    words, problems = load_wordlists([written(tmp_path, a_csv=CSV)])
    assert not problems
    file = str(tmp_path / "a.csv")
    assert entries(words) == [
        Entry("赌博", Severity.REJECT, "zh", ("d",), flags=Flags.PINYIN | Flags.SPLIT, file=file, line=4),
        Entry(
            "a, b",
            Severity.HOLD,
            "zh",
            ("d",),
            near=("x", "y"),
            unless=("z",),
            expires=1801353600.0,
            file=file,
            line=6,
        ),
    ]


def test_yaml(tmp_path: Path) -> None:
    words, problems = load_wordlists([written(tmp_path, a_yaml=YAML)])
    assert not problems
    common = {"tags": ("e",), "file": str(tmp_path / "a.yaml")}
    assert entries(words) == [
        Entry("no", scope="tenant:acme", line=3, **common),
        Entry("110", scope="tenant:acme", line=4, **common),
        Entry("赌博", Severity.ALLOW, near=("x", "y"), expires=1801368000.0, source="own", line=5, **common),
    ]


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("a_txt", "ok\n!!\n", 2, "neither letter nor digit"),
        (
            "a_txt",
            "#: severity=fatal\nok\n",
            2,
            "severity 'fatal' must be one of allow, log, warn, hold, reject",
        ),
        ("a_txt", "#: severity\nok\n", 1, "'severity' must be a field"),
        ("a_txt", '#: unless="a b\nok\n', 1, "No closing quotation"),
        ("a_txt", "#: near=..|x\nok\n", 2, "context word '..'"),
        ("a_csv", "\nsingle\nx\n", 2, "'word'"),
        ("a_csv", "word,colour\nx,red\n", 2, "'colour' is no field"),
        ("a_csv", "word\n\nx,y\n", 3, "has 2 columns, the header 1"),
        ("a_csv", 'word\n"x\n', 2, "unexpected end of data"),
        ("a_csv", "word,scope\nx,tenant:\n", 2, "scope 'tenant:' must be"),
        ("a_csv", "word,expires\nx,tomorrow\n", 2, "expires 'tomorrow' must be a date"),
        ("a_csv", "word,flags\nx,loud\n", 2, "flag 'loud' must be one of"),
        ("a_csv", "word,flags\nabc,pinyin\n", 2, "has no pinyin"),
        ("a_csv", "word,flags\nabc,split\n", 2, "cannot be split"),
        ("a_yaml", "entries:\n  - {word: x, near: {a: b}}\n", 2, "must be text or a list of texts"),
        ("a_yaml", "entries:\n  - [x]\n  - ~\n", 3, "must be text or a list of texts"),
        ("a_yaml", "entries: x\n", 1, "must be a list"),
        ("a_yaml", "words: [x]\n", 1, "must have 'entries'"),
        ("a_yaml", "defaults: x\n", 1, "must be a mapping"),
        ("a_yaml", "entries: [x\n", 2, "not YAML"),
    ],
)
def test_problems_have_their_place(tmp_path: Path, name: str, text: str, line: int, message: str) -> None:
    _, problems = load_wordlists([written(tmp_path, **{name: text})])
    (problem,) = problems
    assert problem.file == str(tmp_path / name.replace("_", "."))
    assert problem.line == line
    assert message in problem.message


def test_the_rest_of_a_file_with_a_problem_is_read(tmp_path: Path) -> None:
    words, problems = load_wordlists([written(tmp_path, a_txt="!!\nok\n", b_txt="also\n")])
    assert [problem.line for problem in problems] == [1]
    assert [entry.word for entry in entries(words)] == ["ok", "also"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ok\n\xff\n")
    (tmp_path / "b.doc").write_text("x")
    _, problems = load_wordlists([tmp_path / name for name in ("a.txt", "b.doc", "c.txt")])
    assert [(problem.line, problem.message) for problem in problems] == [
        (2, "must be UTF-8"),
        (0, "must end in .txt, .csv, .yaml, .yml"),
        (0, "cannot be read: No such file or directory"),
    ]


def test_a_reload_reads_and_builds_only_what_changed(tmp_path: Path) -> None:
    folder = written(tmp_path, a_txt="".join(f"word{n}\n" for n in range(17_000)), b_txt="old\nboth\n")
    first, _ = load_wordlists([folder])
    written(tmp_path, b_txt="# now\nboth\nnew\n", c_txt="third\n")
    second, problems = load_wordlists([folder], first)
    assert not problems
    assert second.automaton.shards[0] is first.automaton.shards[0]
    assert second.lists[0] is first.lists[0]
    text = "old both new third word17"
    assert [hit.entry.place.rpartition("/")[2] for hit in second.scan(text)] == [
        "b.txt:2",
        "b.txt:3",
        "c.txt:1",
        "a.txt:18",
    ]
    assert [hit.entry.word for hit in first.scan(text)] == ["old", "both", "word17"]
    (folder / "a.txt").unlink()
    third, _ = load_wordlists([folder], second)
    assert [hit.entry.word for hit in third.scan(text)] == ["both", "new", "third"]
    assert len(third.automaton) == sum(len(shard.words) for shard in third.automaton.shards) == 3
    assert load_wordlists([folder], third)[0].automaton.shards == third.automaton.shards


def test_problems_stay_while_the_file_stays(tmp_path: Path) -> None:
    folder = written(tmp_path, a_txt="!!\n")
    words, before = load_wordlists([folder])
    assert load_wordlists([folder], words)[1] == before


def test_lists_that_are_too_long_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, a_txt="".join(f"word{n}\n" for n in range(30)), b_txt="one\ntwo\n")
    assert not load_wordlists([folder], most=32)[1]
    _, problems = load_wordlists([folder], most=29)
    assert (problems[0].file, problems[0].line) == (str(folder / "a.txt"), 30)
    assert problems[0].message == "more than 29 entries: see words.most_entries in filters.yaml"
    _, (problem,) = load_wordlists([folder], most=31)
    assert (problem.file, problem.message) == (
        str(folder / "b.txt"),
        "with the others: more than 31 entries: see words.most_entries in filters.yaml",
    )


def test_a_file_without_end_is_not_read_at_all(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(1 << 34)  # takes no room on the disk
    words, (problem,) = load_wordlists([tmp_path / "a.txt"])
    assert "is larger than 200,100,000 octets: more than 1,000,000 entries" in problem.message
    assert not list(words.entries())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"{'长' * 201}", "the word has 201 letters and digits; at most 200"),
        (f"{chr(0x301) * 5}", "neither letter nor digit"),
        (f"{chr(0x301) * 1001}", "1,001 characters"),
        (f"word,{'|'.join(['near'] * 10_000)}", "has 10,000 context words; at most 100"),
        (f"word,{'长' * 300}", "has 300 letters; at most 200"),
    ],
)
def test_hostile_entries_are_refused_with_their_place(tmp_path: Path, row: str, message: str) -> None:
    _, (problem,) = load_wordlists([written(tmp_path, a_csv=f"word,near\nfine,\n{row}\n")])
    assert problem.line == 3
    assert message in problem.message


def test_no_more_than_so_many_problems_are_told(tmp_path: Path) -> None:
    _, problems = load_wordlists([written(tmp_path, a_txt="!\n" * 2000)])
    assert len(problems) == 1001
    assert (problems[-1].line, problems[-1].message) == (1001, "and more; not read on")
