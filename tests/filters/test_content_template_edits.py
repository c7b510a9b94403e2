"""Templates edited at run time, and what a portal of India's registers gives out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from content_messages import NOW, configuration, message
from hypothesis import given
from hypothesis import strategies as st

from gateway.filters.catalogue import make_filters
from gateway.filters.dltregister import converted, read_register
from gateway.filters.matching import parse_pattern
from gateway.filters.templateedits import TemplateEdit, TemplateEdits
from gateway.filters.templates import Templates
from gateway.settings.content import Entity

REGISTRY = """tenant: Shop
templates:
  - {name: code, text: '【示例】验证码{code:digits(4-6)}'}
  - {name: sale, text: '【示例】{what:text(20)}八折，拒收请回复R', state: paused}
"""
CODE, SALE, NEW = "【示例】验证码123456", "【示例】周末八折，拒收请回复R", "Your parcel 12 is here"


def edit(action: str, name: str, number: int = 1, **fields: Any) -> TemplateEdit:
    return TemplateEdit(number, 1_800_000_000_000, "Ann", "", action, "Shop", name, fields)


def filters(directory: Path, text: str = REGISTRY, before: Templates | None = None) -> Templates:
    (directory / "shop.yaml").write_text(text, "utf-8")
    generation = configuration({"templates": {"mode": "enforce", "directory": directory}}, directory)
    made = make_filters(generation, {"templates": before} if before is not None else None)["templates"]
    assert isinstance(made, Templates)
    return made


def judged(made: Templates, text: str) -> str:
    verdict = made.judge(message(text, category="service"), NOW)
    return "passes" if verdict is None else f"{verdict.rule} ({verdict.place}): {verdict.detail}"


def put(made: Templates, *edits: TemplateEdit) -> None:
    made.registries.put_in_force(made.registries.edited(edits))


def test_pause_and_approve(tmp_path: Path) -> None:
    made = filters(tmp_path)
    assert (judged(made, CODE), judged(made, SALE)[:5]) == ("passes", "sale ")
    text = made.registries.by_tenant["Shop"].by_name["sale"].template.text
    put(made, edit("pause", "code"), edit("approve", "sale", 2, text=text))
    assert judged(made, SALE) == "passes"
    assert judged(made, CODE) == (
        "code (shop.yaml:3): the template is paused; paused by edit 1 by Ann at 2027-01-15T08:00:00+00:00"
    )
    put(made, edit("restore", "code"), edit("restore", "sale"))
    assert (judged(made, CODE), judged(made, SALE)[:5]) == ("passes", "sale ")


def test_a_reload_keeps_edits_but_an_approval_is_of_the_text_that_was_approved(tmp_path: Path) -> None:
    made = filters(tmp_path)
    text = made.registries.by_tenant["Shop"].by_name["sale"].template.text
    put(made, edit("pause", "code"), edit("approve", "sale", text=text))
    again = filters(tmp_path, REGISTRY + "  - {name: more, text: 'more {x:digits}'}\n", made)
    assert judged(again, SALE) == "passes"
    assert judged(again, CODE).startswith("code ")
    assert judged(again, "more 12") == "passes"
    other = filters(tmp_path, REGISTRY.replace("八折", "七折").replace("digits(4-6)", "digits(6)"), again)
    assert judged(other, SALE.replace("八", "七")).startswith("sale (shop.yaml:4): the template is paused")
    assert judged(other, CODE).startswith("code ")


def test_what_is_put_is_paused_and_takes_the_place_of_a_file(tmp_path: Path) -> None:
    made = filters(tmp_path)
    put(made, edit("put", "parcel", 7, text="Your parcel {n:digits} is here"))
    assert judged(made, NEW).startswith("parcel (edit:7): the template is paused; put by edit 7")
    put(made, edit("put", "parcel", 8, text="Your parcel {n:digits} is here", state="approved"))
    assert judged(made, NEW) == "passes"
    put(made, edit("put", "code", 9, text=NEW))
    assert judged(made, CODE).startswith("no template")
    put(made, edit("restore", "code"), edit("restore", "parcel"))
    assert judged(made, CODE) == "passes"
    assert judged(made, NEW).startswith("no template")


def test_a_tenant_may_have_all_its_templates_by_edits(tmp_path: Path) -> None:
    made = filters(tmp_path, REGISTRY.replace("Shop", "Bank"))
    assert judged(made, NEW).startswith("no registry")
    put(made, edit("put", "parcel", text=NEW, state="approved"))
    assert judged(made, NEW) == "passes"
    put(made, edit("restore", "parcel"))
    assert judged(made, NEW).startswith("no registry")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (edit("forget", "x"), "'forget' must be one of put, approve, pause, restore"),
        (edit("put", "x"), "text: Field required"),
        (edit("put", "x", text="a {y"), "no variable"),
        (edit("put", "x", text="a {y:text(31)}", id="1" * 19), "the register allows 30 characters"),
        (edit("pause", "x", text="y"), "'pause' has no 'text'"),
    ],
)
def test_what_cannot_be(wrong: TemplateEdit, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        wrong.check()


@given(st.lists(st.tuples(st.sampled_from(("put", "approve", "pause", "restore")), st.sampled_from("ab"))))
def test_edits_one_by_one_and_together_come_to_the_same(steps: list[tuple[str, str]]) -> None:
    fields = {"put": {"text": "t {x:digits}"}, "approve": {"text": "t {x:digits}"}}
    edits = [edit(action, name, n, **fields.get(action, {})) for n, (action, name) in enumerate(steps)]
    single = TemplateEdits()
    for one in edits:
        single = single.after([one])
    assert single.over("Shop", ()) == TemplateEdits().after(edits).over("Shop", ())
    last = {name: action for action, name in steps}
    assert {name for name in "ab" if ("Shop", name) in single} == {
        name for name, action in last.items() if action != "restore"
    }


# what a register's portal gives out

ENTITY = Entity.model_validate({"entity": "1101172974420810001", "headers": {"EXSHOP": ()}})
PORTAL = (
    "\ufeffEntity ID,Template ID,Template Name,Template Type,Header(s),Template Content,Status\n"
    '1101172974420810001,1107161234567890123,Order,Service Implicit,EXSHOP,"Order {#var#} of {#numeric#}, '
    'see {#url#} {ok}",Registered\n'
    "1101172974420810001,1107161234567890124,Sale,Promotional,exshop,Sale: {#var#}{#var#},Pending\n"
)


def test_a_file_of_a_register() -> None:
    read = read_register(PORTAL, ENTITY)
    assert (read.problems, read.entities) == ((), ("1101172974420810001",))
    order, sale = read.rows
    assert (order.name, order.approved, sale.approved) == ("Order", True, False)
    assert order.fields == {
        "text": "Order {v1:text(30)} of {v2:text(30)}, see {v3:url} {{ok}}",
        "id": "1107161234567890123",
        "categories": ["otp", "transactional", "service"],
        "headers": ["EXSHOP"],
    }
    edit("put", order.name, **order.fields).check()
    pattern = parse_pattern(str(sale.fields["text"]))
    assert pattern.matches(f"Sale: {'x' * 60}")
    assert not pattern.matches(f"Sale: {'x' * 61}")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("1107161234567890124", "12", "line 3: '12' is no id of a register: it has 12 to 19 digits"),
        (
            "1107161234567890124",
            "1107161234567890123",
            "line 3: 1107161234567890123 stands on line 2 already",
        ),
        (",Sale,P", ",Order,P", "line 3: the name 'Order' stands on line 2 already"),
        ("Promotional", "Promotionnal", "unknown type 'Promotionnal' (did you mean 'promotional'?)"),
        ("exshop", "OTHERS", "line 3: header OTHERS is not under the tenant's headers in filters.yaml"),
        ("1101172974420810001,1107161234567890124", "9" * 19 + ",1107161234567890124", "is not the tenant's"),
    ],
)
def test_what_is_wrong_in_it(old: str, new: str, problem: str) -> None:
    read = read_register(PORTAL.replace(old, new), ENTITY)
    (said,) = read.problems
    assert problem in said
    assert [row.name for row in read.rows] == ["Order"]


def test_a_file_without_the_columns() -> None:
    with pytest.raises(ValueError, match="no column for the id: one of templateid"):
        read_register("a,b\n1,2\n", ENTITY)


@given(st.text("ab{}#var ", max_size=40))
def test_any_text_of_a_register_is_a_pattern_that_it_matches(text: str) -> None:
    """What stands between the variables, braces too, stands for itself."""
    pattern = parse_pattern(converted(f"Hi {text}"))
    said = "".join(piece if isinstance(piece, str) else "" for piece in pattern.pieces)
    assert pattern.matches(said)


@given(st.text(), st.one_of(st.none(), st.just(ENTITY)))
def test_it_never_fails(text: str, entity: Entity | None) -> None:
    read_register(PORTAL + text, entity)
