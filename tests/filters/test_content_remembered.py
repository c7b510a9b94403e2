"""Verdicts on texts that repeat: remembered, in bounds, and never beyond a change of what they went by."""

from __future__ import annotations

from pathlib import Path

from content_messages import AMERICA, CHINA, NOW, message, persons
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.filters.category import Raising
from gateway.filters.entries import Entry, Severity
from gateway.filters.links import Links
from gateway.filters.mandatory import Mandatory
from gateway.filters.remembered import LONGEST, MOST, Remembered
from gateway.filters.sensitive import SensitiveWords
from gateway.filters.templateedits import TemplateEdit
from gateway.filters.templates import Registries, Templates
from gateway.filters.verdict import Filter
from gateway.filters.words import WordList
from gateway.settings import content


def test_what_was_worked_out_is_remembered_within_bounds() -> None:
    asked: list[str] = []

    def length(text: str, rest: str) -> int:
        asked.append(text + rest)
        return len(text + rest)

    known = Remembered(length)
    assert [known.of("a", "b"), known.of("a", "b"), known.of("a", "bc"), known.of("a", "b")] == [2, 2, 3, 2]
    assert asked == ["ab", "abc"]
    for number in range(MOST):
        known.of(str(number), "")
    assert known.of("a", "b") == 2
    assert asked.count("ab") == 2
    asked.clear()
    for text in ("x" * (LONGEST + 1), "y" * (LONGEST + 1), "y" * (LONGEST + 1), "x" * (LONGEST + 1)):
        assert known.of(text, "") == LONGEST + 1
    assert len(asked) == 3
    known.forget()
    assert known.of("y" * (LONGEST + 1), "") == LONGEST + 1
    assert len(asked) == 4


def action(filter: Filter, text: str, to: str = CHINA, now: float = NOW, **fields: str) -> str:
    verdict = filter.judge(message(text, to, **fields), now)
    return verdict.action.value if verdict is not None else "none"


def test_an_edit_of_words_holds_for_a_text_that_was_just_judged() -> None:
    without, reject = WordList.of(), WordList.of([Entry("casino", Severity.REJECT, scope="tenant:Shop")])
    filter = SensitiveWords(without)
    assert action(filter, "a casino") == "none"
    filter.words = reject
    assert action(filter, "a casino") == "refuse"
    assert action(filter, "a casino", tenant="Bank") == "none"
    filter.words = without
    assert action(filter, "a casino") == "none"


def test_an_entry_begins_and_ends_at_its_second_for_a_text_that_was_just_judged() -> None:
    filter = SensitiveWords(WordList.of([Entry("casino", Severity.REJECT, begins=NOW + 1, expires=NOW + 3)]))
    said = [action(filter, "a casino", now=NOW + half / 2) for half in range(8)]
    assert said == ["none"] * 2 + ["refuse"] * 4 + ["none"] * 2


def test_an_edit_of_templates_holds_for_a_text_that_was_just_judged(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("tenant: Shop\ntemplates: [{name: hello, text: hello}]\n")
    registries = Registries.read(tmp_path, {})
    filter = Templates(content.Templates(unmatched="refuse"), registries)
    assert action(filter, "hello") == "none"
    registries.put_in_force(registries.edited([TemplateEdit(1, 0, "Ann", "", "pause", "Shop", "hello", {})]))
    assert action(filter, "hello") == "refuse"


TEXTS = st.sampled_from(
    [
        "【Shop】全场八折，拒收请回复R",
        "【Other】全场八折",
        "限时抢购 today",
        "see http://bit.ly/x or wx: abcde123",
        "Limited offer, reply STOP to opt out",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.sampled_from([CHINA, AMERICA]),
            st.sampled_from(["promotional", "transactional"]),
            st.sampled_from(["Shop", "Bank"]),
            st.sampled_from([NOW, NOW + 86_400 * 400]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_remembered_is_what_would_be_worked_out(
    asked: list[tuple[str, str, str, str, float]],
) -> None:
    """By tenant, category, country and day, in any order."""

    def made() -> list[Filter]:
        return [
            Raising(content.Raising(phrases=("限时抢购",)), persons()),
            Links(content.Links(shorteners=("bit.ly",))),
            SensitiveWords(WordList.of([Entry("八折", Severity.HOLD, scope="tenant:Shop")])),
            Mandatory(content.Mandatory(tenants={"Shop": content.Voice(signatures=("Shop",))}), persons()),
        ]

    filters = made()
    for text, to, category, tenant, now in asked:
        one = message(text, to, category=category, tenant=tenant)
        for kept, fresh in zip(filters, made(), strict=True):
            assert kept.judge(one, now) == fresh.judge(one, now)
            assert kept.judge(one, now) == fresh.judge(one, now)
