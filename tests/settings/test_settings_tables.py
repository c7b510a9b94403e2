"""Tables in CSV: what they say, and what is wrong in them, with line and column."""

from __future__ import annotations

import re
import shutil
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.load import load
from gateway.settings.patterns import bounded
from gateway.settings.prefixes import Numbers, Prefixes
from gateway.settings.problems import SettingsError
from gateway.settings.tables import read_table

HERE = Path(__file__).parent
ENVIRON = {"BANK": "bankpass", "ALPHA": "alphapwd"}
ROUTES = "routes:\n- {name: r, carriers: [alpha, beta]}\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration without faults."""
    return shutil.copytree(HERE / "base", tmp_path / "config")


def problems(directory: Path) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(directory, ENVIRON)
    return [str(problem).removeprefix(f"{directory}/") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("kind", "text", "faults"),
    [
        ("regions", "", ["1:1: the first line must name the columns: prefix,region"]),
        ("regions", "# only this\n\n", ["1:1: the first line must name the columns: prefix,region"]),
        (
            "regions",
            "prefix,regoin\n",
            ["1:8: unknown column 'regoin' (did you mean 'region'?): the columns are prefix, region"],
        ),
        ("regions", "prefix,prefix\n", ["1:8: column 'prefix' is named twice"]),
        ("regions", "region\nx\n", ["1:1: column 'prefix' is missing"]),
        ("regions", "prefix,region\n86,\n", ["2:4: a name is missing"]),
        ("regions", "prefix,region\n86,a,b\n", ["2:6: there are more fields than columns"]),
        ("regions", "prefix,region\n86,a\n# x\n 86 , b\n", ["4:2: prefix 86 stands in line 2 already"]),
        (
            "regions",
            "prefix,region\n086,a\n8x,b\n",
            [
                "2:1: '086' is no prefix: write digits that begin with the calling code",
                "3:1: '8x' is no prefix: write digits that begin with the calling code",
            ],
        ),
        (
            "regions",
            "region,prefix\na,86\na,x\n",
            ["3:3: 'x' is no prefix: write digits that begin with the calling code"],
        ),
        (
            "networks",
            "prefix,network\n86199,960-00\n86139,46\n861,460-0000\n",
            [
                "2:7: '960-00' is no network: an MCC begins with 2 to 7",
                "3:7: '46' is no network: write MCC and MNC as 460-00 or 310-260",
                "4:5: '460-0000' is no network: write MCC and MNC as 460-00 or 310-260",
            ],
        ),
        (
            "ported",
            "number,network\n8619912340001,460-00\n8619912340002,460-01\n+8619912340001,460-11\n",
            ["4:1: this number stands in line 2 already"],
        ),
        (
            "ported",
            "number,network\n8619912340001,x\n",
            ["2:15: 'x' is no network: write MCC and MNC as 460-00 or 310-260"],
        ),
        (
            "preferences",
            "number,tags\n8619912340001,a|\n",
            ["2:15: a tag is missing: write one, or several as sms|short"],
        ),
        (
            "preferences",
            "number,tags\n86199*,a\n86199*,b\n",
            ["3:1: prefix 86199 stands there already, with a"],
        ),
        (
            "preferences",
            "number,tags\n8619912340001,a\n8619912340001,b\n",
            ["3:1: this number stands in line 2 already"],
        ),
        (
            "prices",
            "prefix,price,currency\n86,-1,EUR\n87,x,EUR\n88,1,euros\n",
            [
                "2:4: '-1' is no price of a segment: write a number such as 0.035",
                "3:4: 'x' is no price of a segment: write a number such as 0.035",
                "4:6: 'euros' is no currency: use a code of three letters such as EUR",
            ],
        ),
        (
            "prices",
            "prefix,price,currency,from\n86,1,EUR,2026-02-30\n86,1,EUR,1.3.2026\n",
            [
                "2:10: '2026-02-30' is no date: write it as 2026-03-01",
                "3:10: '1.3.2026' is no date: write it as 2026-03-01",
            ],
        ),
        (
            "prices",
            "prefix,price,currency,from\n86,1,EUR,\n86,1,EUR,2026-03-01\n86,2,EUR,2026-03-01\n",
            ["4:1: prefix 86 has a price from the same date in line 3 already"],
        ),
        (
            "prices",
            "prefix,price,currency\n86,nan,EUR\n",
            ["2:4: 'nan' is no price of a segment: write a number such as 0.035"],
        ),
    ],
)
def test_what_is_wrong_in_a_table(kind: str, text: str, faults: list[str]) -> None:
    _, found = read_table(kind, text.encode())
    assert [f"{fault.mark.line}:{fault.mark.column}: {fault.message}" for fault in found] == faults


def test_no_utf8() -> None:
    _, found = read_table("regions", b"prefix,region\n86,\xe9\n")
    assert [(*fault.mark, fault.message) for fault in found] == [(2, 4, "not UTF-8 text")]


def test_a_persons_number_is_never_told() -> None:
    for kind in ("ported", "preferences"):
        heading = "number,network" if kind == "ported" else "number,tags"
        _, found = read_table(kind, f"{heading}\n8619912340001,460-00\n8619912340001,460-00\n".encode())
        assert found
        assert "8619912340001" not in found[0].message


def test_faults_come_with_the_file_that_has_them(directory: Path) -> None:
    (directory / "regions.csv").write_text("prefix,region\n86,north\n86,south\n")
    (directory / "alpha.csv").write_text("prefix,price,currency\n86,0.1,USD\n")
    (directory / "routing.yaml").write_text(
        ROUTES + "tables: {regions: regions.csv, prices: {alpha: alpha.csv}}\n"
    )
    assert problems(directory) == [
        "alpha.csv:2:1: routing.yaml has no exchange for USD",
        "regions.csv:3:1: prefix 86 stands in line 2 already",
    ]


def test_what_no_table_has(directory: Path) -> None:
    (directory / "regions.csv").write_text("prefix,region\n86,north\n")
    (directory / "networks.csv").write_text("prefix,network\n86199,460-11\n")
    (directory / "routing.yaml").write_text(
        "routes:\n- name: r\n  match: {region: [noth], network: [460-11, 461, 460]}\n"
        "  carriers: [alpha, beta]\n"
        "tables: {regions: regions.csv, networks: networks.csv}\n"
    )
    assert problems(directory) == [
        "routing.yaml:3:20: routes[0].match.region[0]: "
        "the table of regions has no 'noth' (did you mean 'north'?)",
        "routing.yaml:3:45: routes[0].match.network[1]: "
        "the table of networks has no '461' (did you mean '46011'?)",
    ]


def test_gaps_in_prices_are_told(directory: Path) -> None:
    (directory / "alpha.csv").write_text("prefix,price,currency,from\n86,0.1,EUR,\n44,0.1,EUR,2999-01-01\n")
    (directory / "beta.csv").write_text("prefix,price,currency,from\n86,0.1,EUR,\n44,0.1,EUR,\n")
    (directory / "routing.yaml").write_text(
        "routes:\n- {name: r, choose: cost, match: {destination: [86, 49]}, carriers: [alpha, beta]}\n"
        "- {name: rest, carriers: [beta]}\n"
        "tables: {prices: {alpha: alpha.csv, beta: beta.csv}}\n"
    )
    found = [warning.removeprefix(f"{directory}/") for warning in load(directory, ENVIRON).warnings]
    assert found == [
        "routing.yaml:4:19: tables.prices.alpha: "
        "carrier 'alpha' has no price yet for 44: every one begins later",
        "routing.yaml:2:53: routes[0].match.destination[1]: "
        "no price of alpha, beta covers 49: asked last there",
    ]


def test_rules_that_can_never_match_and_carriers_that_none_reaches(directory: Path) -> None:
    (directory / "routing.yaml").write_text(
        "routes:\n"
        "- {name: cn, match: {country: [CN, HK]}, carriers: [alpha]}\n"
        "- {name: night, match: {country: [CN], hours: [{since: '22:00'}]}, carriers: [pair]}\n"
        "- {name: first, priority: 9, match: {country: [GB]}, carriers: [alpha]}\n"
        "- {name: rest, carriers: [alpha]}\n"
        "groups: {pair: {carriers: [alpha, beta]}}\n"
    )
    found = [warning.removeprefix(f"{directory}/") for warning in load(directory, ENVIRON).warnings]
    assert found == [
        "routing.yaml:3:3: routes[1]: route 'night' can never match: routes[0] 'cn' takes all of it",
        "carriers.yaml:6:3: carriers.beta: no route reaches carrier 'beta'",
    ]


def test_a_table_that_did_not_change_is_not_built_again(directory: Path) -> None:
    (directory / "regions.csv").write_text("prefix,region\n86,north\n")
    (directory / "routing.yaml").write_text(ROUTES + "tables: {regions: regions.csv}\n")
    before = load(directory, ENVIRON)
    again = load(directory, ENVIRON)
    assert again.tables.regions is before.tables.regions
    assert before.digest == again.digest
    (directory / "regions.csv").write_text("prefix,region\n86,south\n")
    after = load(directory, ENVIRON)
    assert after.tables.regions is not before.tables.regions
    assert after.digest != before.digest
    assert after.texts["regions.csv"] == b"prefix,region\n86,south\n"


@given(
    st.dictionaries(st.text("123", min_size=1, max_size=5), st.integers(), max_size=30),
    st.text("123", max_size=7),
)
def test_the_longest_prefix_counts(values: dict[str, int], digits: str) -> None:
    fitting = [prefix for prefix in values if digits.startswith(prefix)]
    expected = values[max(fitting, key=len)] if fitting else None
    assert Prefixes(values).find(digits) == expected


@given(st.dictionaries(st.integers(1, 10**15 - 1), st.sampled_from(["46000", "46001", "23410"]), max_size=50))
def test_numbers_are_found_again(known: dict[int, str]) -> None:
    numbers = Numbers()
    for number, value in known.items():
        numbers.add(number, value)
    assert list(numbers.settle()) == []
    assert len(numbers) == len(known)
    assert {number: numbers.find(str(number)) for number in known} == known
    assert numbers.find(str(10**15)) is None
    assert numbers.find("x") is None


def test_a_million_numbers_take_eight_octets_each() -> None:
    tracemalloc.start()
    numbers = Numbers()
    for number in range(8_613_000_000_000, 8_613_000_100_000):
        numbers.add(number, "46000")
    assert list(numbers.settle()) == []
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 100_000 * 12


@pytest.mark.parametrize(
    "pattern", ["code [0-9]+", "(?i)sale|offer", "[0-9]{4,8}$", "a.{0,20}b.{0,20}c", "^x.*y", "(foo|bar)baz"]
)
def test_patterns_that_end_in_time(pattern: str) -> None:
    assert bounded(re.compile(pattern)).pattern == pattern


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)+$", ".*a.*b.*c", "(a*)*", "(x{1,50}){1,50}y", "([a-z]+ ?)+!", r"(\d+)*x\1"]
)
def test_patterns_that_may_not(pattern: str) -> None:
    with pytest.raises(ValueError, match="very long"):
        bounded(re.compile(pattern))
