"""The filters of one account, in order, as one judgement.

A filter in mode `enforce` acts; in mode `warn` or `shadow` its word is recorded and counted and never acts,
as is the word of a single rule that is in shadow.
The first refusal ends the judgement; of several deferrals the latest counts; a hold waits for a person
unless something refuses. What one filter rewrites the next ones judge as rewritten. One that raises the
category ends the judgement too: the chain of that category is to judge.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from gateway.filters.review import Approval, Rule
from gateway.filters.verdict import REASONS, Action, Filter, Rewrite, Verdict
from gateway.message import Message
from gateway.smpp.enums import quick


@quick
class Mode(Enum):
    """How a filter runs for an account."""

    ENFORCE = "enforce"
    WARN = "warn"
    SHADOW = "shadow"


_WEIGHT = {
    Action.ALLOW: 0,
    Action.RAISE: 0,
    Action.WARN: 1,
    Action.REWRITE: 1,
    Action.DEFER: 2,
    Action.HOLD: 3,
    Action.REFUSE: 4,
}
_ALLOW = Verdict(Action.ALLOW, "", "")
_FAILED = REASONS["filter_failed"]._replace(request_error=True)  # told at once, since clients try it again


class Judgement(NamedTuple):
    """The verdict that acts, and every word that was said on the way to it.

    `rewrite` is what the message is to say where it may leave; `category` what it was raised to; `approval` a
    person's word that let it pass; `rewritten` says, for the record, how a rewritten text was encoded.
    """

    verdict: Verdict
    words: tuple[tuple[Verdict, Mode], ...] = ()
    rewrite: Rewrite | None = None
    category: str = ""
    approval: Approval | None = None
    rewritten: str = ""


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

    def judge(self, message: Message, now: float, approval: Approval | None = None) -> Judgement:
        """Judge one message at `now` (unix seconds). What a person approved holds it no more."""
        acting = _ALLOW
        words: list[tuple[Verdict, Mode]] = []
        rewrite: Rewrite | None = None
        for filter, mode in self.filters:
            try:
                verdict = filter.judge(message, now)
            except Exception as error:  # it must end in a stated verdict, never in the pipeline
                verdict = self.failed(filter.name, message, error)
            if verdict is None:
                continue
            if verdict.beside:
                words += [(each, Mode.SHADOW) for each in verdict.beside]
                if verdict.silent:
                    continue
            words.append((verdict, mode))
            if mode is not Mode.ENFORCE or _approved(verdict, approval):
                continue
            if verdict.action is Action.RAISE:
                return Judgement(_ALLOW, tuple(words), category=verdict.category)
            if verdict.rewrite is not None:
                rewrite = _together(rewrite, verdict.rewrite)
                message = message.saying(rewrite.text, verdict.rewrite.tlvs)
            acting = _stronger(acting, verdict)
            if acting.action is Action.REFUSE:
                break
        return Judgement(acting, tuple(words), rewrite, approval=approval) if words else ALLOWED


def _approved(verdict: Verdict, approval: Approval | None) -> bool:
    if approval is None or verdict.action is not Action.HOLD:
        return False
    return Rule(verdict.filter, verdict.rule) in approval.rules


def _together(one: Rewrite | None, other: Rewrite) -> Rewrite:
    if one is None:
        return other
    text = one.text if other.text is None else other.text
    return Rewrite(text, one.tlvs + other.tlvs, one.payload or other.payload)


def _stronger(one: Verdict, other: Verdict) -> Verdict:
    if one.action is Action.DEFER and other.action is Action.DEFER:
        return one if (one.until or 0) >= (other.until or 0) else other
    return one if _WEIGHT[one.action] >= _WEIGHT[other.action] else other


def refuse_failed(name: str, message: Message, error: Exception, closed: bool = False) -> Verdict:
    """The verdict when a filter failed: promotional is refused, the rest too if `closed`, else it passes
    with a warning.
    """
    closed = closed or message.category == "promotional"
    return Verdict(
        Action.REFUSE if closed else Action.WARN,
        name,
        "filter failed",
        reason=_FAILED if closed else None,
        detail=f"{type(error).__name__}: {error}",
    )


ALWAYS = ("filter", "mode", "action", "rule", "place")
SOMETIMES = ("reason", "detail", "until")
"""What a record tells of a word: these where there are any."""


def record(judgement: Judgement, generation: int) -> str:
    """The decision record: JSON with the generation, the verdict, each word with its rule, place and mode,
    and what was done to the message: raised, rewritten, reviewed.
    """
    said = tuple(
        (
            verdict.filter,
            mode.value,
            verdict.action.value,
            verdict.rule,
            verdict.place,
            verdict.reason.name if verdict.reason else "",
            verdict.detail,
            verdict.until,
        )
        for verdict, mode in judgement.words
    )
    action, approval = judgement.verdict.action.value, judgement.approval
    return _written(generation, action, judgement.category, judgement.rewritten, approval, said)


@lru_cache(maxsize=512)
def _written(
    generation: int,
    action: str,
    category: str,
    rewritten: str,
    approval: Approval | None,
    said: tuple[tuple[str, str, str, str, str, str, str, float | None], ...],
) -> str:
    """What many messages share is written once: a warning of every text that is no template, say."""
    document: dict[str, object] = {"generation": generation, "verdict": action}
    if category:
        document["category"] = category
    if rewritten:
        document["rewritten"] = rewritten
    if approval is not None:
        document["review"] = approval.document()
    if said:
        document["words"] = [
            dict(zip(ALWAYS, word, strict=False))
            | {name: value for name, value in zip(SOMETIMES, word[len(ALWAYS) :], strict=True) if value}
            for word in said
        ]
    return json.dumps(document, ensure_ascii=False)
