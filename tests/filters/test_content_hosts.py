"""Hosts by the hundred thousand: files of them, and what one look-up costs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from content_messages import NOW, configuration, message

from gateway.filters.catalogue import make_filters
from gateway.filters.links import Hosts

MANY, SHORTENERS = 100_000, 10_000


def rule(directory: Path, text: str, **links: object) -> str | None:
    tenants = {"Shop": {"hosts": ["shop.example.com"], "host_files": [Path("hosts.txt")]}}
    settings = {"mode": "enforce", "shortener_files": [Path("short.txt")], "tenants": tenants} | links
    made = make_filters(configuration({"links": settings}, directory))["links"]
    verdict = made.judge(message(text), NOW)
    return verdict and verdict.rule


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    hosts = (f"h{n}.example.org\n*.w{n}.example.org" for n in range(MANY // 2))
    (tmp_path / "hosts.txt").write_text(
        "# ours\n" + "\n".join(hosts) + "\nÜber.example # one more\n", "utf-8"
    )
    (tmp_path / "short.txt").write_text("\n".join(f"s{n}.cc" for n in range(SHORTENERS)), "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example.com/a", None),
        ("https://h49999.example.org/a", None),
        ("https://a.b.w49999.example.org/a", None),
        ("https://w49999.example.org/a", "hosts"),
        ("https://h50000.example.org/a", "hosts"),
        ("https://xw7.example.org/a", "hosts"),
        ("https://über.example/a", None),
        ("s9999.cc/x", "shortened"),
        ("www.s9999.cc/x", "shortened"),
    ],
)
def test_files_of_hosts(directory: Path, text: str, expected: str | None) -> None:
    assert rule(directory, text) == expected


def test_a_template_may_lead_to_them(directory: Path) -> None:
    (directory / "templates").mkdir()
    registry = "tenant: Shop\ntemplates: [{name: see, text: 'see {u:url}'}]\n"
    (directory / "templates" / "shop.yaml").write_text(registry, "utf-8")
    settings = {
        "templates": {"mode": "enforce", "directory": directory / "templates"},
        "links": {"tenants": {"Shop": {"host_files": [Path("hosts.txt")]}}},
    }
    made = make_filters(configuration(settings, directory))["templates"]
    assert made.judge(message("see https://h7.example.org/x"), NOW) is None
    assert made.judge(message("see https://elsewhere.example/x"), NOW) is not None


def test_what_is_wrong_in_a_file_is_told_with_its_line(directory: Path) -> None:
    (directory / "hosts.txt").write_text("good.example\nhttps://bad.example/x\n", "utf-8")
    (directory / "short.txt").unlink()
    with pytest.raises(ValueError, match=r"hosts.txt:2: 'https://bad.example/x' is no host") as caught:
        rule(directory, "x")
    assert "short.txt: cannot be read" in str(caught.value)


def test_a_look_up_does_not_go_through_the_list() -> None:
    """Going through 100,000 would take a millisecond for each, and so 20 seconds."""
    hosts = Hosts(f"*.w{n}.example.org" for n in range(MANY))
    began = time.process_time()
    assert not any("a.b.c.d.e.example.net" in hosts for _ in range(20_000))
    assert time.process_time() - began < 2
