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
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from gateway.filters.persons import Persons, Standing
from gateway.filters.remembered import FORGETTING
from gateway.filters.review import Approval, Rule
from gateway.filters.verdict import REASONS, Action, Filter, Rewrite, Verdict
from gateway.message import Message
from gateway.smpp.enums import quick
from gateway.smpp.stencils import Said


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


Failed = Callable[[str, Message, Exception], Verdict]

Step = tuple[Filter | None, Mode, Verdict | None, bool]
"""A filter that is to be asked, its mode, and whether it says the same of all that is said alike; or no
filter and the word that it has given.
"""


class Chain:
    """The filters that run for one account and category, cheapest and most final first.

    `failed` decides for a message whose filter raised: it gets the filter's name and the exception, and
    gives the stated verdict; it is also where the alarm is raised. With `persons`, filters that are `alike`
    (see Filter) are asked once a second for each stencil of what is said and each standing of who gets it,
    and so are those that spare all of the standing. Those that are `idle` are not asked.
    """

    __slots__ = ("_forgotten", "_known", "_persons", "_second", "_steps", "failed", "filters")

    def __init__(
        self,
        filters: tuple[tuple[Filter, Mode], ...] = (),
        failed: Failed | None = None,
        persons: Persons | None = None,
    ) -> None:
        self.filters = filters
        self.failed: Failed = failed or refuse_failed
        self._steps: tuple[Step, ...] = tuple(
            [
                (filter, mode, None, bool(getattr(filter, "alike", False)))
                for filter, mode in filters
                if not getattr(filter, "idle", False)
            ]
        )
        self._persons = persons if any(step[3] for step in self._steps) else None
        self._known: dict[tuple[Said, Standing], tuple[Step, ...]] = {}
        self._second = self._forgotten = 0

    def judge(self, message: Message, now: float, approval: Approval | None = None) -> Judgement:
        """Judge one message at `now` (unix seconds). What a person approved holds it no more."""
        said = message.said
        if said is None or self._persons is None or (person := self._persons.person(message)) is None:
            return self._judged(self._steps, message, now, approval, None)
        second = int(now)
        if second != self._second or self._forgotten != FORGETTING.times:
            self._second, self._forgotten = second, FORGETTING.times
            self._known.clear()
        key = said, person.standing
        steps = self._known.get(key)
        if steps is None:
            return self._judged(self._steps, message, now, approval, key)
        return self._judged(steps, message, now, approval, None)

    def _judged(
        self,
        steps: tuple[Step, ...],
        message: Message,
        now: float,
        approval: Approval | None,
        key: tuple[Said, Standing] | None,
    ) -> Judgement:
        """What comes of these steps. By those that are noted under the `key` what is like this message can be
        judged: the words of the filters that are alike, and the others, but for those that spare them.
        """
        acting = _ALLOW
        words: list[tuple[Verdict, Mode]] = []
        rewrite: Rewrite | None = None
        category = ""
        noted: list[Step] = []
        for step in steps:
            filter, mode, verdict, alike = step
            if filter is not None:
                try:
                    verdict = filter.judge(message, now)
                except Exception as error:  # it must end in a stated verdict, never in the pipeline
                    verdict, key = self.failed(filter.name, message, error), None
                if key is not None:
                    if not alike:
                        if not _spares(filter, key[1], now):
                            noted.append(step)
                    elif verdict is not None:
                        noted.append((None, mode, verdict, True))
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
                acting, rewrite, category = _ALLOW, None, verdict.category
                break
            if verdict.rewrite is not None:
                rewrite = _together(rewrite, verdict.rewrite)
                message, key = message.saying(rewrite.text, verdict.rewrite.tlvs), None
            acting = _stronger(acting, verdict)
            if acting.action is Action.REFUSE:
                break
        else:
            alike = True  # each has been asked
        if key is not None and alike:
            self._known[key] = tuple(noted)
        if not words:
            return ALLOWED
        return Judgement(acting, tuple(words), rewrite, category, None if category else approval)


def _spares(filter: Filter, standing: Standing, now: float) -> bool:
    spares = getattr(filter, "spares", None)
    return spares is not None and bool(spares(standing, now))


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
