"""Delays and the like, drawn from a named distribution with a seeded source, so that runs repeat."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same number of seconds."""

    seconds: float = 0.0

    def sample(self, source: random.Random) -> float:
        return self.seconds


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any number of seconds between two, each as likely."""

    low: float
    high: float

    def sample(self, source: random.Random) -> float:
        return source.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Mostly near the median, with a long tail: how networks answer. `sigma` is that of the logarithm."""

    median: float
    sigma: float
    most: float

    def sample(self, source: random.Random) -> float:
        return min(source.lognormvariate(math.log(self.median), self.sigma), self.most)


Distribution = Fixed | Uniform | Lognormal


def parse_duration(value: Any) -> float:
    """Seconds of `250ms`, `30s`, `5m`, `48h`, `7d` or a bare number; raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration such as 250ms, 30s or 5m is wanted")
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 250ms, 30s or 5m")
    return float(match[1]) * _UNITS[match[2]]


def parse_distribution(value: Any) -> Distribution:
    """A duration, `{uniform: [100ms, 300ms]}` or `{lognormal: {median: 200ms, sigma: 0.5, most: 5s}}`.

    Raises ValueError with what was wanted.
    """
    if isinstance(value, Fixed | Uniform | Lognormal):
        return value
    if not isinstance(value, Mapping):
        return Fixed(parse_duration(value))
    if len(value) != 1:
        raise ValueError("one of `uniform` or `lognormal` is wanted")
    ((name, body),) = value.items()
    if name == "uniform":
        return _uniform(body)
    if name == "lognormal":
        return _lognormal(body)
    raise ValueError(f"{name!r} is not a distribution: a duration, `uniform` or `lognormal`")


def _uniform(body: Any) -> Uniform:
    if not isinstance(body, list | tuple) or len(body) != 2:
        raise ValueError("`uniform` wants two durations: [100ms, 300ms]")
    low, high = (parse_duration(part) for part in body)
    if low > high:
        raise ValueError("`uniform` wants the smaller duration first")
    return Uniform(low, high)


def _lognormal(body: Any) -> Lognormal:
    if not isinstance(body, Mapping) or not {"median"} <= set(body) <= {"median", "sigma", "most"}:
        raise ValueError("`lognormal` wants `median`, and takes `sigma` and `most`")
    median, sigma = parse_duration(body["median"]), body.get("sigma", 0.5)
    if median <= 0:
        raise ValueError("`median` must be more than nothing")
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or sigma < 0:
        raise ValueError("`sigma` is a number, 0 or more")
    return Lognormal(median, float(sigma), parse_duration(body.get("most", median * 100)))
