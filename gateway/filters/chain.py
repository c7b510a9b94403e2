"""The filters of one account, in order, as one judgement.

A filter in mode `enforce` acts; in mode `warn` or `shadow` its word is recorded and counted and never acts.
The first refusal ends the judgement; of several deferrals the latest counts; a hold waits for a person
unless something refuses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from gateway.filters.verdict import REASONS, Action, Filter, Verdict
from gateway.message import Message


class Mode(Enum):
    """How a filter runs for an account."""

    ENFORCE = "enforce"
    WARN = "warn"
    SHADOW = "shadow"


_WEIGHT = {Action.ALLOW: 0, Action.WARN: 1, Action.DEFER: 2, Action.HOLD: 3, Action.REFUSE: 4}
_ALLOW = Verdict(Action.ALLOW, "", "")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict that acts, and every word that was said on the way to it."""

    verdict: Verdict
    words: tuple[tuple[Verdict, Mode], ...] = ()


ALLOWED = Judgement(_ALLOW)


@dataclass(frozen=True, slots=True)
class Chain:
    """The filters that run for one account and category, cheapest and most final first.

    `failed` decides for a message whose filter raised: it gets the filter's name and the exception, and
    gives the stated verdict; it is also where the alarm is raised.
    """

    filters: tuple[tuple[Filter, Mode], ...] = ()
    failed: Callable[[str, Message, Exception], Verdict] = field(
        default=lambda name, message, error: refuse_failed(name, message, error)
    )

    def judge(self, message: Message, now: float) -> Judgement:
        """Judge one message at `now` (unix seconds)."""
        acting = _ALLOW
        words: list[tuple[Verdict, Mode]] = []
        for filter, mode in self.filters:
            try:
                verdict = filter.judge(message, now)
            except (
                Exception
            ) as error:  # a filter's fault must end in its stated verdict, never in the pipeline
                verdict = self.failed(filter.name, message, error)
            if verdict is None:
                continue
            words.append((verdict, mode))
            if mode is not Mode.ENFORCE:
                continue
            acting = _stronger(acting, verdict)
            if acting.action is Action.REFUSE:
                break
        return Judgement(acting, tuple(words)) if words else ALLOWED


def _stronger(one: Verdict, other: Verdict) -> Verdict:
    if one.action is Action.DEFER and other.action is Action.DEFER:
        return one if (one.until or 0) >= (other.until or 0) else other
    return one if _WEIGHT[one.action] >= _WEIGHT[other.action] else other


def refuse_failed(name: str, message: Message, error: Exception) -> Verdict:
    """The verdict where nothing else is configured: promotional fails closed, the rest passes with a
    warning.
    """
    closed = message.category == "promotional"
    return Verdict(
        Action.REFUSE if closed else Action.WARN,
        name,
        "filter failed",
        reason=REASONS["filter_failed"] if closed else None,
        detail=f"{type(error).__name__}: {error}",
    )


def record(judgement: Judgement, generation: int) -> str:
    """The decision record: JSON with the generation, the verdict, and each word with its rule, place and
    mode.
    """
    words = [
        {
            "filter": verdict.filter,
            "mode": mode.value,
            "action": verdict.action.value,
            "rule": verdict.rule,
            "place": verdict.place,
            **({"reason": verdict.reason.name} if verdict.reason else {}),
            **({"detail": verdict.detail} if verdict.detail else {}),
            **({"until": verdict.until} if verdict.until else {}),
        }
        for verdict, mode in judgement.words
    ]
    document = {"generation": generation, "verdict": judgement.verdict.action.value}
    return json.dumps({**document, "words": words} if words else document, ensure_ascii=False)
