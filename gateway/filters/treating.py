"""What is found becomes a verdict, as the settings say it is to be treated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.filters.verdict import Action, Reason, Verdict, beside
from gateway.settings.modes import Treatment

_ACTIONS: dict[Treatment, Action] = {"refuse": Action.REFUSE, "hold": Action.HOLD, "warn": Action.WARN}
_GRAVEST = (Action.REFUSE, Action.HOLD, Action.WARN, Action.ALLOW)


def treat(
    treatment: Treatment, filter: str, rule: str, place: str, reason: Reason, detail: str
) -> Verdict | None:
    """The verdict on one thing that was found; None where it is allowed."""
    if treatment == "shadow":
        return beside(filter, None, (Verdict(Action.REFUSE, filter, rule, place, reason, detail),))
    action = _ACTIONS.get(treatment)
    if action is None:
        return None
    return Verdict(action, filter, rule, place, reason if action is Action.REFUSE else None, detail)


def gravest(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """The gravest of some verdicts, the first of equals; with what rules in shadow said beside any."""
    said = [verdict for verdict in verdicts if verdict is not None]
    if not said:
        return None
    worst = min(said, key=lambda verdict: _GRAVEST.index(verdict.action))
    shadows = dict.fromkeys(each for verdict in said for each in verdict.beside)
    return replace(worst, beside=tuple(shadows)) if shadows else worst
