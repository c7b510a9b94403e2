"""Durations, endpoints, networks and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.scalars import (
    UNITS,
    client_endpoint,
    format_duration,
    nearest,
    parse_duration,
    parse_network,
    server_endpoint,
    split_endpoint,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("48h", 172_800),
        ("7d", 604_800),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1.5h", 5400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["", "s", "30", "5 minutes", "-1s", "1y", "1s!", "1e3s", True, None, float("nan"), [1]]
)
def test_no_durations(value: object) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(value)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(sorted(UNITS))), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{count}{unit}" for count, unit in parts)
    assert parse_duration(text) == pytest.approx(sum(count * UNITS[unit] for count, unit in parts))


@given(st.integers(0, 10**9))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000 if milliseconds < 1000 else float(milliseconds)
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds)


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert seconds >= 0


@pytest.mark.parametrize(
    "text",
    [
        "tcp:2775",
        "tcp:port=2775:interface=127.0.0.1",
        "tcp6:2775",
        "ssl:3550:privateKey=/k.pem:certKey=/c.pem",
        "haproxy:tcp:2775",
        "haproxy:tcp:2775:interface=\\:\\:1",
        "unix:/run/gateway.sock",
        "systemd:domain=INET:index=0",
    ],
)
def test_server_endpoints(text: str) -> None:
    assert server_endpoint(text) == text


@pytest.mark.parametrize(
    "text", ["", "2775", "tcp", "tcp:http", "tcp:65536", "haproxy", "haproxy:udp:1", "tls:a:1"]
)
def test_no_server_endpoints(text: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint"):
        server_endpoint(text)


@pytest.mark.parametrize(
    "text", ["tcp:127.0.0.1:2776", "tls:smsc.example:3550", "tcp:host=h:port=1", "tcp:\\:\\:1:2776"]
)
def test_client_endpoints(text: str) -> None:
    assert client_endpoint(text) == text


@pytest.mark.parametrize("text", ["tcp:2776", "tcp:127.0.0.1", "haproxy:tcp:h:1", "tls:h:", "127.0.0.1:2776"])
def test_no_client_endpoints(text: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint"):
        client_endpoint(text)


@given(st.lists(st.text(max_size=10), min_size=1))
def test_a_quoted_endpoint_is_split_back(parts: list[str]) -> None:
    quoted = ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)
    assert split_endpoint(quoted) == parts


def test_networks() -> None:
    assert str(parse_network("10.0.0.0/8")) == "10.0.0.0/8"
    assert str(parse_network("192.0.2.7")) == "192.0.2.7/32"
    with pytest.raises(ValueError, match=r"the network is 10\.0\.0\.0/8"):
        parse_network("10.0.0.1/8")


def test_nearest() -> None:
    assert nearest("tenat", ["tenant", "window"]) == " (did you mean 'tenant'?)"
    assert nearest("zzz", ["tenant", "window"]) == ""
