"""Templates: patterns, registries, and the filter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from content_messages import NOW, message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.filters import registry as registry_module
from gateway.filters.matching import (
    CHARACTERS,
    LONGEST_VARIABLE,
    MOST_STEPS,
    MOST_WAYS,
    Effort,
    Pattern,
    Variable,
    parse_pattern,
)
from gateway.filters.registry import Registered, Registry, Template, export_csv, import_csv, read_registry
from gateway.filters.templates import Registries, Templates
from gateway.filters.verdict import Action, Verdict
from gateway.settings.content import Known
from gateway.settings.content import Templates as Settings


def matches(pattern: str, text: str) -> bool:
    return parse_pattern(pattern).matches(text, lambda host: host == "shop.example.com")


@pytest.mark.parametrize(
    ("pattern", "text", "fine"),
    [
        ("验证码{code:digits(4-6)}，{n:digits}分钟内有效", "验证码123456，5分钟内有效", True),
        ("验证码{code:digits(4-6)}，{n:digits}分钟内有效", "验证码123，5分钟内有效", False),
        ("验证码{code:digits(4-6)}，{n:digits}分钟内有效", "验证码1234567，5分钟内有效", False),
        ("验证码{code:digits(4-6)}，{n:digits}分钟内有效", "验证码１２３４，5分钟内有效", False),
        ("code {c:code}", "code AB-12", True),
        ("code {c:code(6)}", "code AB-12", False),
        ("Hi {n:name(10)}!", "Hi Zoë O'Neil!", True),
        ("Hi {n:name(10)}!", "Hi 张三!", True),
        ("Hi {n:name(10)}!", "Hi R2D2!", False),
        ("Hi {n:name(5)}!", "Hi Josephine!", False),
        ("a{x:text(5)}b", "ab", True),
        ("a{x:text(5)}b", "abbbbbb", True),
        ("a{x:text(5)}b", "abbbbbbb", False),
        ("a{x:text(2-3)}b", "axb", False),
        ("a{x:text(3)}{y:text(3)}b", "a123456b", True),
        ("a{x:text(3)}{y:text(3)}b", "a1234567b", False),
        ("pay {m:money}.", "pay ¥1,234.50.", True),
        ("pay {m:money}.", "pay 12.5.", True),
        ("pay {m:money}.", "pay lots.", False),
        ("on {d:date}", "on 2026-11-30", True),
        ("on {d:date}", "on 2026年11月30日 10:30", True),
        ("on {d:date}", "on 30.11.2026", True),
        ("on {d:date}", "on 11月30日", True),
        ("on {d:date}", "on Monday", False),
        ("see {u:url}.", "see https://shop.example.com/a?b=1.", True),
        ("看{u:url}吧", "看shop.example.com吧", True),
        ("see {u:url}.", "see https://evil.test/a.", False),
        ("see {u:url}.", "see https://shop.example.com.evil.test/a.", False),
        ("see {u:url}", "see https://shop.example.com@evil.test/", False),
        ("{{x}} {n:digits}", "{x} 12", True),
        ("plain", "plain", True),
        ("plain", "plain ", False),
        ("{x:text(3)}mid{y:text(3)}", "midmidmid", True),
        ("{x:text(3)}mid{y:text(3)}", "midmi", True),
    ],
)
def test_matches(pattern: str, text: str, fine: bool) -> None:
    assert matches(pattern, text) == fine


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a {x", "no variable"),
        ("a } b", "no variable"),
        ("a {x:number}", "unknown type 'number'"),
        ("a {x:digits(5-4)}", "from 5 to 4"),
        ("a {x:text(0)}", "from 0 to 0"),
        (f"a {{x:text({LONGEST_VARIABLE + 1})}}", "not possible"),
        ("a {x:money(3)}", "takes no length"),
        ("{x:text}", "needs some text"),
        ("{x:text} ", "needs some text"),
        ("", "needs some text"),
    ],
)
def test_bad_patterns(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_pattern(pattern)


PIECES = st.lists(
    st.one_of(
        st.text("ab1", min_size=1, max_size=3),
        st.tuples(
            st.sampled_from(["digits", "code", "text", "name"]), st.integers(0, 3), st.integers(0, 3)
        ).map(lambda t: f"{{v:{t[0]}({t[1]}-{t[1] + max(t[2], 1)})}}"),
    ),
    min_size=1,
    max_size=6,
)


def by_re(pattern: Pattern) -> re.Pattern[str]:
    """The same as an ordinary regular expression, which may take for ever where the text is long."""
    return re.compile(
        "".join(
            re.escape(piece)
            if isinstance(piece, str)
            else f"{CHARACTERS[piece.kind]}{{{piece.least},{piece.most}}}"
            for piece in pattern.pieces
        )
    )


@given(PIECES, st.text("ab1-", max_size=14))
@example(["a", "{v:text(0-3)}", "a"], "aaaa")
def test_it_agrees_with_regular_expressions(pieces: list[str], text: str) -> None:
    if not any(not piece.startswith("{") for piece in pieces):
        pieces = [*pieces, "a"]
    pattern = parse_pattern("".join(pieces))
    assert pattern._replace(plain=None).matches(text) == pattern.matches(text)
    assert pattern.matches(text) == (by_re(pattern).fullmatch(text) is not None)


@given(st.text(), st.text())
def test_it_never_raises_but_for_bad_patterns(pattern: str, text: str) -> None:
    try:
        parsed = parse_pattern(pattern)
    except ValueError:
        return
    parsed.matches(text)


@given(st.text(st.characters(blacklist_characters="{}"), min_size=1).filter(str.strip))
def test_literal_text_matches_itself(text: str) -> None:
    assert parse_pattern(text).matches(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{a:text(1000)}" * 20 + "x", "y" * 20_000),
        ("".join(f"{{v{n}:text(1000)}}a" for n in range(20)), "a" * 20_000),
        ("".join(f"{{v{n}:text(1000)}}aa" for n in range(20)) + "b", "a" * 20_000),
        ("".join(f"{{v{n}:digits(1-1000)}}" for n in range(20)) + "x", "1" * 20_000),
        ("".join(f"{{v{n}:text(1000)}}{{u{n}:url}}" for n in range(10)) + "x", "a." * 7_000),
        ("".join(f"{{v{n}:name(1000)}}{{u{n}:money}}" for n in range(10)) + "x", "a1 " * 3_000),
        ("x{a:text(1000)}", "x" * 70_000),
        ("".join(f"{{v{n}:text(1000)}}ab" for n in range(70)) + "x", "ab" * 35_000),
        ("".join(f"{{u{n}:url}}" for n in range(140)) + "x", "a.b" * 23_000),
        ("{a:text(0-199)}" + "{b:digits(1000)}" * 60 + "x", "1" * 60_000),
    ],
)
def test_hostile_texts_are_bounded(pattern: str, text: str) -> None:
    """A backtracking search would not come to an end, and nor would one that begins anew at every place."""
    parsed = parse_pattern(pattern)
    for end in ("", "x"):
        for length in (parsed.longest, parsed.longest // 2, len(text)):
            effort = Effort()
            parsed.matches(text[: length - len(end)] + end, lambda host: False, effort)
            assert MOST_STEPS - effort.left < 1.5 * MOST_STEPS


WHOLE = ("{v:url}", "{v:money}", "{v:date}", "{v:text(0-199)}", "{v:code(4-8)}")


@given(
    st.lists(
        st.sampled_from(("a", "1", "a.b", "{v:text(1000)}", "{v:digits(1-1000)}", "{v:name(1000)}", *WHOLE)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(["a", "1", "a.", "a1", "ab", "1.", "https://a.b/", "2026-01-01 ", "1,000", "a\0"]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_template_a_text_takes_so_many_steps(pieces: list[str], unit: str) -> None:
    """What is done is counted where it is done: at most this much of it is done once nothing is left."""
    pattern = parse_pattern("x" + "".join(pieces) + "x")
    effort = Effort()
    text = "x" + (unit * 65_536)[: min(pattern.longest, 65_536) - 2] + "x"
    pattern.matches(text, lambda host: True, effort)
    assert effort.left > -MOST_STEPS // 2
    assert len(effort.wholes) <= MOST_STEPS


def test_all_templates_of_a_tenant_share_one_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{{a{n}:digits(1-1000)}}" * 60 + "码" for n in range(300)]
    entries = [Registered(Template(name=text, text=text), parse_pattern(text), "") for text in texts]
    registry = Registry([*entries, Registered(Template(name="ok", text="好码"), parse_pattern("好码"), "")])
    efforts: list[Effort] = []

    def effort() -> Effort:
        efforts.append(Effort())
        return efforts[-1]

    monkeypatch.setattr(registry_module, "Effort", effort)
    assert registry.matching("1" * 40_000 + "x码", lambda host: True) == []
    assert len(efforts) == 1
    assert -MOST_STEPS < efforts[0].left < 0
    assert [entry.template.name for entry in registry.matching("好码", lambda host: True)][-1] == "ok"


PIECES = st.one_of(
    st.sampled_from(["a", "1", "码", "aa", " "]),
    st.builds(
        "{{v:{}({}-{})}}".format,
        st.sampled_from(["digits", "code", "name", "text"]),
        st.integers(0, 3),
        st.integers(3, 300),
    ),
)


@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_a_regular_expression_tries_few_ways(pattern: str) -> None:
    """Whatever the text: what may give characters back has, all of it together, at most so many ways."""
    try:
        parsed = parse_pattern(pattern)
    except ValueError:
        return
    if parsed.plain is not None:
        assert ways(parsed.plain) <= MOST_WAYS


def ways(pattern: re.Pattern[str]) -> int:
    """In how many ways the repeats of an expression that are not possessive can share a text."""
    product = 1
    for operation, argument in re._parser.parse(pattern.pattern, pattern.flags):  # type: ignore[attr-defined]
        if str(operation) == "MAX_REPEAT":
            least, most, repeated = argument
            assert len(repeated) == 1
            assert repeated.getwidth() == (1, 1)
            product *= most - least + 1
        else:
            assert str(operation) in ("LITERAL", "POSSESSIVE_REPEAT"), operation
    return product


# registries

REGISTRY = """
tenant: Shop
templates:
  - name: code
    text: 【示例】验证码{code:digits(4-6)}，{n:digits(1-2)}分钟内有效
    categories: [otp]
    id: "1107161234567890123"
  - name: sale
    text: 【示例】{what:text(20)}八折，拒收请回复R
  - name: old
    text: 【示例】旧款{what:text(20)}清仓，拒收请回复R
    state: paused
  - name: track
    text: 【示例】详情{link:url}
"""


def written(directory: Path, text: str = REGISTRY, name: str = "shop.yaml") -> Path:
    (directory / name).write_text(text, "utf-8")
    return directory


def registries(directory: Path) -> Registries:
    return Registries.read(written(directory), {"Shop": Known(hosts=("shop.example.com",))})


def judge(directory: Path, text: str | None, category: str = "otp", **fields: Any) -> Verdict | None:
    settings = Settings.model_validate(fields.pop("settings", {}))
    made = Templates(settings, registries(directory), "filters.yaml:7")
    return made.judge(message(text, category=category, **fields), NOW)


@pytest.mark.parametrize(
    ("text", "category", "rule", "detail"),
    [
        ("【示例】验证码123456，5分钟内有效", "otp", None, ""),
        ("【示例】验证码123456，5分钟内有效\n", "otp", None, ""),
        ("【示例】周末八折，拒收请回复R", "promotional", None, ""),
        ("【示例】详情https://shop.example.com/x", "service", None, ""),
        ("【示例】验证码123456，5分钟内有效", "promotional", "code", "is not for promotional"),
        ("【示例】旧款鞋清仓，拒收请回复R", "promotional", "old", "is paused"),
        ("【示例】详情https://evil.test/x", "service", "no template", "none of the templates"),
        ("【示例】你好", "otp", "no template", "none of the templates"),
        (None, "otp", None, ""),
    ],
)
def test_the_filter(tmp_path: Path, text: str | None, category: str, rule: str | None, detail: str) -> None:
    verdict = judge(tmp_path, text, category)
    assert (verdict and verdict.rule) == rule
    if verdict is not None:
        assert verdict.action is Action.REFUSE
        assert verdict.reason is not None
        assert verdict.reason.err == 913
        assert detail in verdict.detail
        assert verdict.place == {"code": "shop.yaml:4", "old": "shop.yaml:10"}.get(
            verdict.rule, "filters.yaml:7"
        )


@pytest.mark.parametrize(("unregistered", "action"), [("warn", Action.WARN), ("refuse", Action.REFUSE)])
def test_a_tenant_without_registry(tmp_path: Path, unregistered: str, action: Action) -> None:
    verdict = judge(tmp_path, "x", tenant="Bank", settings={"unregistered": unregistered})
    assert verdict is not None
    assert verdict.action is action
    assert judge(tmp_path, "x", tenant="Bank", settings={"unregistered": "allow"}) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            REGISTRY.replace("name: sale", "name: code"),
            ":8:5: templates[1]: a template 'code' is already given",
        ),
        (
            REGISTRY.replace("digits(4-6)", "numbers"),
            ":5:11: templates[0].text: {code}: unknown type 'numbers'",
        ),
        (REGISTRY.replace('"1107161234567890123"', "12"), "'12' is no id of a register"),
        (REGISTRY.replace("digits(4-6)", "text(31)"), "{code}: the register allows 30 characters"),
        (REGISTRY.replace("paused", "gone"), "'gone' is not possible"),
        ("tenant: Shop\ntemplates: []\n", "must not be empty"),
        ("templates: [", ":"),
    ],
)
def test_what_is_wrong_with_a_registry(tmp_path: Path, text: str, problem: str) -> None:
    tenant, registry, problems = read_registry(written(tmp_path, text) / "shop.yaml")
    assert (tenant, registry) == ("", None)
    assert problem in str(problems[0])
    with pytest.raises(ValueError, match=re.escape(str(problems[0]))):
        Registries.read(tmp_path, {})


def test_two_files_of_one_tenant(tmp_path: Path) -> None:
    written(tmp_path, name="again.yaml")
    with pytest.raises(ValueError, match="another file has the templates of 'Shop'"):
        Registries.read(written(tmp_path), {})


def test_of_many_templates_the_right_one_is_found(tmp_path: Path) -> None:
    templates = "\n".join(f"  - {{name: t{n}, text: '【示例】第{n}号{{x:text(5)}}完'}}" for n in range(2_000))
    text = f"tenant: Shop\ntemplates:\n{templates}\n"
    found = Registries.read(written(tmp_path, text), {})
    (entry,) = found.matching("Shop", "【示例】第1234号abc完")
    assert entry.template.name == "t1234"


def test_export_and_import() -> None:
    templates = [
        Template(name="a", text='a, "b"\n{x:text}', categories=("otp", "service"), id="1107161234567890123"),
        Template(name="b", text="b", state="paused"),
    ]
    assert import_csv(export_csv(templates)) == (templates, [])


def test_import_tells_what_is_wrong() -> None:
    text = "name,text,categories,state\nx,a {y,,\n,b,,\nz,c,otp|nonsense,\nfine,d,,\n"
    templates, problems = import_csv(text)
    assert [(one.name, one.state) for one in templates] == [("fine", "paused")]
    assert [problem.split(":")[0] for problem in problems] == ["line 2", "line 3", "line 4"]


def test_variables_are_told() -> None:
    pieces = parse_pattern("a{x:digits(2-3)}").pieces
    assert isinstance(pieces[1], Variable)
    assert pieces[1][:4] == ("x", "digits", 2, 3)


def test_templates_that_share_most_of_their_text_are_not_all_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor even a dozen of 5,000."""
    texts = [f"第{n}号{{x:text(5)}}完，您的验证码{{c:digits(4-6)}}请在十分钟内使用" for n in range(5_000)]
    made = Registry(
        Registered(Template(name=str(n), text=text), parse_pattern(text), "") for n, text in enumerate(texts)
    )
    text = "第1234号abc完，您的验证码123456请在十分钟内使用"
    matches, tried = Pattern.matches, []

    def counted(pattern: Pattern, *arguments: Any) -> bool:
        tried.append(pattern)
        return matches(pattern, *arguments)

    monkeypatch.setattr(Pattern, "matches", counted)
    (found,) = made.matching(text, lambda host: False)
    assert found.template.name == "1234"
    assert len(tried) < 12
