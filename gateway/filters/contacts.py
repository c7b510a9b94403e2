"""Finds links, telephone numbers, QQ numbers and WeChat names in a text, as people read them.

Works on view D of a text, where letters and numerals of every kind are plain ones. What a machine would not
read in the original, but a person does, is marked as disguised. Most texts are done with after one glance;
each pattern then takes time linear in the text, since its quantifiers are bounded or possessive and it can
begin only where no other match could have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from functools import cache
from itertools import chain, islice
from string import ascii_lowercase
from string import digits as DIGITS
from typing import NamedTuple

from daachorse import CharwiseDoubleArrayAhoCorasick

from gateway.filters.fold import addresses
from gateway.filters.glance import LETTER, SIGNS, foreign, glance, like, space, spelt

_COMMON = "com|cn|net|org|top|xyz|vip|cc|io|co|me|ly|site|online|club|shop|link|info|biz|app|ltd|work|icu|ink"
"""Endings of hosts that are looked for where a host is spread over spaces or spelt."""

_BARE = frozenset(
    f"{_COMMON}|c0m|edu|gov|mil|dev|store|tech|live|fun|wang|pro|mobi|asia|tel|name|cloud|page|space|website|win|"
    "bid|loan|click|fit|gg|tv|ws|hk|tw|mo|jp|kr|sg|my|th|vn|ph|id|in|uk|de|fr|es|it|nl|be|ch|se|pl|pt|ru|ua|"
    "eu|us|ca|au|nz|br|mx|ar|cl|za|ng|ke|ae|sa|tr|ir|pk|bd|lk".split("|")
)
"""Endings that make two words with a dot between them a host, without scheme or path."""

_SHORT = frozenset(("com", "cn", "net", "org"))
"""Those before which one or two characters are a name too, as in qq.com."""

_WORDS = frozenset(("in", "it", "be", "my", "id", "me", "us", "so"))
"""Those of them that are words: a missing space after a full stop is no link."""

_HAN_ENDINGS = "中国|公司|网络|网址|在线|中文网|商城|手机|我爱你|商店"

_DOT = re.compile(r"\.[a-z0-9_-]")
"""A dot before what the last label of a host may begin with, as it hardly stands in a sentence."""

_HOST = re.compile(r"(?<![a-z0-9_.@-])([a-z0-9_-]++(?:\.[a-z0-9_-]++)++)(:\d{1,5}|/)?")
_SCHEME = re.compile(r"(?:https?|hxxps?|ftp|wss?):/{1,2}([^\s/?#]++)")
_HAN_HOST = re.compile(rf"([^\s./:@,!?()]{{1,63}})\.({_HAN_ENDINGS})")
_SPACED_DOT = re.compile(rf" \. ?({_COMMON})(?![a-z0-9])")
_SPELT_DOT = re.compile(rf"(?:[ _]?点[ _]?| dot | d0t )({_COMMON})(?![a-z0-9])")
_SPREAD_COM = re.compile(r"\. ?(c o m)(?![a-z0-9])")
_BEFORE = re.compile(r"[a-z0-9_-]{2,63}\Z")

_SEVEN_DIGITS = re.compile(r"[0-9l](?:(?<!l)[0-9ol ._~+/*-]{5,}[0-9ol]|(?<=l)[0-9ol]{7,})")
"""In a form whose first character tells where it can begin, which takes a third of the time."""

_NUMBER = re.compile(r"(?<![a-z0-9.@_/-])\+?\d(?:[ .-]{0,2}\d){6,14}(?![a-z0-9])")
_PHONE = re.compile(r"(?:\+?86)?(?:1[3-9]\d{9}|[48]00\d{7}|0\d{9,11})|\+\d{8,15}|1?[2-9]\d{2}[2-9]\d{6}")
_DATE = re.compile(r"20\d\d[ .-]{1,2}[01]?\d[ .-]{1,2}[0-3]?\d(?!\d)")
_APART = re.compile(r"(?<![a-z0-9])\d(?:[_~+/*]\d){6,14}(?![a-z0-9])")
_LETTERED = re.compile(r"(?<![a-z0-9])[1l][3-9][0-9ol]{9}(?![a-z0-9])")
_LIKE_DIGITS = str.maketrans("ol", "01")
_SEPARATORS = str.maketrans("", "", " ._~+/*-")
_CALLED_BY = "电话|热线|致电|拨打|拨|手机|客服|座机|咨询|tel|call|phone|fon|ring|mobile"
_CALLED = re.compile(rf"(?:{_CALLED_BY})[号码是为: ]{{0,3}}\Z")
_GAP = "[ ._~+/*-]{0,2}"
"""What may stand between the characters of a lead or a number that is written apart."""

_QQ = re.compile(
    rf"(?:(?<![a-z])q{_GAP}q|扣{_GAP}扣|企鹅|叩叩|抠抠|蔻蔻|球球|秋秋|加扣|(?<![a-z])q[群号]"
    rf"|(?:加|\+)q(?!\d)"
    rf"|(?:(?:加|\+)q|(?<![a-z0-9])q ?(?=:))(?=[: ]{{0,2}}\d(?:{_GAP}\d){{6}}))"
    rf"[号码群: 是为加]{{0,4}}(\d(?:{_GAP}\d){{4,10}})(?!\d)"
)
_WECHAT = re.compile(
    rf"(?:[微威薇维徽溦葳嶶纬]{_GAP}(?:信|芯|x)|[微薇威葳] ?(?=:)|微亻言|绿泡泡|[加私+] ?(?:v|微|薇|威|卫星)"
    rf"|(?<![a-z])(?:v ?信|[vw]{_GAP}x|wei ?xin|wei信|w信|we ?chat|v号|v我)|(?<![a-z0-9])v ?(?=:))"
    r"((?:[号是为加: ]|id){0,5})"
    r"([a-z][a-z0-9_-]{4,19}|[a-z] (?=[a-z _-]{0,19}[0-9])[a-z0-9_-](?: ?[a-z0-9_-]){3,18}"
    rf"|1{_GAP}[3-9](?:{_GAP}\d){{9}})(?![a-z0-9])"
)

_QQ_CUES = (
    "qq", "q q", "q.q", "q_q", "q-q", "扣扣", "扣 扣", "扣.扣", "企鹅", "叩叩", "抠抠", "蔻蔻", "球球",
    "秋秋", "q群", "q号", "q:", "q :", "加q", "+q", "加扣",
)  # fmt: skip
_WECHAT_CUES = (
    *"微威薇维徽溦葳嶶纬", "v信", "v 信", "vx", "wx", "v x", "w x", "v-x", "w-x", "v.x", "w.x", "v_x", "w_x",
    "weixin", "wei xin", "wei信", "w信", "wechat", "we chat", "加v", "加 v", "+v", "v号", "v我", "v:",
    "v :", "加卫星", "绿泡泡",
)  # fmt: skip
_SPELT_CUES = (
    *(f"{dot}{ending}" for ending in _COMMON.split("|") for dot in ("点", "点 ", "点_")),
    *(" dot ", " d0t ", " .", "c o m"),
)  # fmt: skip
_HAN_CUES = tuple(f".{ending}" for ending in _HAN_ENDINGS.split("|"))
_CUES = {
    **dict.fromkeys(_QQ_CUES, "qq"),
    **dict.fromkeys(_WECHAT_CUES, "wechat"),
    **dict.fromkeys(_SPELT_CUES, "spelt"),
    **dict.fromkeys(_HAN_CUES, "han"),
}
_CUE_KINDS = list(_CUES.values())
_NO_KINDS = frozenset[str]()
_FINDER = CharwiseDoubleArrayAhoCorasick(list(_CUES))

MOST = 20
"""Hosts, numbers and handles each that are looked at; a text with more is nobody's ordinary one."""

LONGEST = 253
"""Characters of a host; of a longer one, which is none, the end is looked at."""

SPREAD = 5
"""Single characters in a row that are read as one word."""


class Host(NamedTuple):
    """A host as view D has it; `disguised` if it does not stand so in the original."""

    name: str
    disguised: bool


class Contacts(NamedTuple):
    """All that was found: hosts, telephone numbers (digits), QQ numbers and WeChat names."""

    hosts: tuple[Host, ...] = ()
    numbers: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()


NONE = Contacts()


@cache
def may_have(numbers: bool) -> Callable[[str], bool]:
    """A glance that says yes to every text that `contacts` finds anything in, and to hardly any other. Where
    one separator may stand it allows any number. Dots and digits are in many texts: what else makes a host or
    a telephone number of them is for the second look.
    """
    digit, gap, name = like(DIGITS), f"{like('._~+/-', space())}*", like("_-", LETTER)
    dotted = rf"{like('.')}(?:{'|'.join(map(spelt, _HAN_ENDINGS.split('|')))})|{like(':')}{like('/')}"
    single = like(SIGNS, r"\w")
    spread = rf"(?:\A|\W){single}(?:\W+{single}){{{SPREAD - 1}}}(?:\W|\z)"
    spaced = rf"\W{like('.')}\W*{name}|{like('.')}\W*{like('c')}\W+{like('o')}"
    dot = rf"{like('点')}{gap}{name}|\W{like('d')}{like('o0')}{like('t')}\W+{name}"
    qq = rf"{like('q扣鹅叩抠蔻球秋')}{like('号码群:是为加', space())}*{digit}(?:{gap}{digit}){{4}}"
    leads = (
        rf"{like('微威薇维徽溦葳嶶纬')}{gap}{like('信芯x')}|{like('vw')}{gap}{like('x信')}|{like('v')}{like('号我')}",
        rf"{like('微薇威葳v')}\W*{like(':')}|{spelt('微亻言')}|{spelt('绿泡泡')}",
        rf"{like('加私+')}\W*(?:{like('v微薇威')}|{spelt('卫星')})",
        rf"{spelt('we')}(?:{like('i')}(?:{like('信')}|\W*{spelt('xin')})|\W*{spelt('chat')})",
    )
    wechat = rf"(?:{'|'.join(leads)}){like('号是为加:', space())}*{like('1', LETTER)}"
    hosts = rf"{like('.')}(?:{digit}*{name}|{digit}+{like('.')}{digit}+{like('.')}{digit})"
    gaps = f"{like('.-', space())}*"
    number = rf"{digit}(?:{gaps}{digit}){{6}}|{digit}(?:{like('_~+/')}{digit}){{6}}"
    lettered = rf"{like('1l')}{like('3456789')}{like(f'{DIGITS}ol')}{{9}}"
    others = (dotted, spread, spaced, dot, qq, wechat, *((lettered,) if numbers else ()))
    return glance(
        *(hosts, *((number,) if numbers else ()), *others),
        closer=(_surely_hosts(), *(_surely_numbers(gaps) if numbers else ()), *others),
    )


def _surely_hosts() -> str:
    """What a name with dots is never without, if it is a host: a known ending, a path, `www.`, `xn--`, or
    four numbers and more behind them.
    """
    digit, label = like(DIGITS), f"{like(f'{DIGITS}_-', LETTER)}+"
    known = rf"(?i:{'|'.join(sorted(_BARE))})(?:[^A-Za-z0-9_-]|\z)|[A-Za-z0]*{foreign(f'{ascii_lowercase}0')}"
    four = rf"{digit}+{like('.')}{digit}+{like('.')}{digit}+{like(':/')}"
    return rf"{like('.')}(?:{known}|{label}{like('/')}|{four})|{spelt('www.')}|{spelt('xn--')}"


def _surely_numbers(gaps: str) -> tuple[str, str]:
    """What a telephone number is never without: ten digits, or eight behind a plus, or seven behind a word
    that says what they are.
    """
    digit = like(DIGITS)
    called = rf"(?:{'|'.join(map(spelt, _CALLED_BY.split('|')))}){like('号码是为:', space())}*{like('+')}?"
    before = rf"{called}|{like('+')}{digit}{gaps}|{digit}{gaps}{digit}{gaps}{digit}{gaps}"
    return rf"(?:{before}){digit}(?:{gaps}{digit}){{6}}", rf"{digit}(?:{like('_~+/')}{digit}){{9}}"


def contacts(text: str, *, numbers: bool = True) -> Contacts:
    """The contacts in a text; telephone numbers only if they are asked for. Never raises."""
    return looked_for(text, numbers=numbers) if may_have(numbers)(text) else NONE


def looked_for(text: str, *, numbers: bool = True) -> Contacts:
    """The same without the glance."""
    tokens = addresses().tokens(text)
    spread = len(tokens) >= SPREAD and [*map(len, tokens)].count(1) >= SPREAD
    seen = " ".join(_closed(tokens)) if spread else " ".join(tokens)
    cues = _FINDER.find(seen)
    digits = numbers and _SEVEN_DIGITS.search(seen) is not None
    if not (cues or digits or spread or "." in seen):
        return NONE
    kinds = {_CUE_KINDS[index] for _, _, index in cues} if cues else _NO_KINDS
    han = "han" in kinds
    dotted: list[str] = []
    if han or _DOT.search(seen) is not None:
        dotted = [token for token in tokens if "." in token and (han or _DOT.search(token, 1) is not None)]
    if not (kinds or dotted or spread or digits):
        return NONE
    hosts = tuple(_hosts(text, seen, dotted, spread, kinds))
    found = _few(chain(_numbers(seen), _written_apart(seen))) if digits else ()
    handles = (*_few(_qq(seen) if "qq" in kinds else ()), *_few(_wechat(seen) if "wechat" in kinds else ()))
    return Contacts(hosts, found, handles) if hosts or found or handles else NONE


def _few(found: Iterable[str]) -> tuple[str, ...]:
    """Those that are different; no more of them than `MOST`, then a word that is nobody's own."""
    different: dict[str, None] = {}
    for one in found:
        if len(different) == MOST:
            return (*different, "more than an ordinary text has")
        different[one] = None
    return tuple(different)


def _closed(tokens: list[str]) -> Iterator[str]:
    """The tokens, with runs of single characters as one token each."""
    run: list[str] = []
    for token in (*tokens, ""):
        if len(token) == 1:
            run.append(token)
            continue
        yield from ("".join(run),) if len(run) >= SPREAD else run
        run = []
        if token:
            yield token


def _hosts(text: str, seen: str, dotted: list[str], spread: bool, kinds: Set[str]) -> Iterator[Host]:
    if dotted or spread:
        where = seen if spread else " ".join(dotted)
        plain = text.lower()
        written = (name[-LONGEST:] for name in _written(where, "han" in kinds))
        for count, name in enumerate(dict.fromkeys(written)):
            if count == MOST:
                yield Host("more hosts than an ordinary text has", True)
                return
            yield Host(
                name, "xn--" in name or name.endswith(".c0m") or plain.count(name) < max(where.count(name), 1)
            )
    if "spelt" in kinds:
        for pattern in (_SPACED_DOT, _SPELT_DOT, _SPREAD_COM):
            for match in islice(pattern.finditer(seen), MOST):
                before = _BEFORE.search(seen, max(0, match.start() - 64), match.start())
                if before is not None and _may_be_a_name(before[0], match[0]):
                    yield Host(f"{before[0]}.{match[1].replace(' ', '')}", True)


def _may_be_a_name(before: str, dot: str) -> bool:
    """Whether what stands before a dot that is spelt is a name, and not the hour of a clock (点)."""
    return not before.isdigit() or not dot.startswith((" 点", "_点", "点 ", "点_"))


def _written(seen: str, han: bool) -> Iterator[str]:
    """Hosts with dots between their labels."""
    schemed: set[int] = set()
    if ":/" in seen:
        for match in _SCHEME.finditer(seen):
            authority = match[1].rpartition("@")[2]
            latin = _HOST.match(authority)
            schemed.add(match.start(1))
            yield latin[1] if latin is not None else authority.partition(":")[0].rstrip(".")
    for match in _HOST.finditer(seen):
        name = match[1]
        if match.start() not in schemed and _is_host(name, match[2] or ""):
            yield name
    if han:
        for match in _HAN_HOST.finditer(seen):
            yield f"{match[1]}.{match[2]}"


def _is_host(name: str, follows: str) -> bool:
    """Whether labels with dots between them are a host, and not a missing space or a number."""
    labels = name.split(".")
    ending = labels[-1]
    if ending.isdigit():
        octets = len(labels) == 4 and all(label.isdigit() and int(label) < 256 for label in labels)
        return octets and bool(follows)
    if follows == "/" or labels[0] == "www" or "xn--" in name:
        return ending.isalnum() and len(ending) > 1 and (ending in _BARE or not labels[-2].isdigit())
    if ending in _WORDS and len(labels) == 2:
        return False
    return ending in _BARE and (ending in _SHORT or len(labels[-2]) > 2)


def _numbers(seen: str) -> Iterator[str]:
    for match in _NUMBER.finditer(seen):
        if _DATE.match(match[0]) is not None:
            continue
        digits = match[0].translate(_SEPARATORS)
        if _PHONE.fullmatch(digits) or _CALLED.search(seen, max(0, match.start() - 12), match.start()):
            yield digits.lstrip("+")


def _written_apart(seen: str) -> Iterator[str]:
    """Numbers with something between all of their digits, or with letters that look like digits."""
    for pattern in (_APART, _LETTERED):
        for match in pattern.finditer(seen):
            digits = match[0].translate(_SEPARATORS).translate(_LIKE_DIGITS)
            if not match[0].isdigit() and _PHONE.fullmatch(digits):
                yield digits


def _qq(seen: str) -> Iterator[str]:
    for match in _QQ.finditer(seen):
        yield match[1].translate(_SEPARATORS)


def _wechat(seen: str) -> Iterator[str]:
    for match in _WECHAT.finditer(seen):
        name = match[2]
        if not name[0].isalpha():
            yield name.translate(_SEPARATORS)
        elif match[1].strip() or not name.isalpha():
            yield name.replace(" ", "")
