"""What the filters of the text cost: each alone and all together, on typical texts and on hostile ones.

`python benchmarks/bench_chain.py`, some half a minute. The shipped configuration in its modes, without the
filters of people. Microseconds per text are medians; the whole chain judges another message each time, whose
text has been decoded (that is the message's cost), each filter alone two in turn.
"""

import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import perf_counter

from timing import machine, microseconds

from gateway.filters.catalogue import make_filters
from gateway.filters.chain import Chain, Mode
from gateway.filters.matching import parse_pattern
from gateway.message import Message
from gateway.settings.load import load
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.text import choose_encoding

ROOT = Path(__file__).parents[1]
NOW = 1_800_000_000.0
PEOPLE = ("suppressed", "consented", "quiet", "capped")
TEXTS = {
    "offer": ("promotional", "【示例商城】周末全场八折，拒收请回复R"),
    "code": ("otp", "【示例商城】您的验证码为583920，5分钟内有效，请勿告诉他人。"),
    "notice": (
        "transactional",
        "【示例商城】尊敬的会员，您在本店预订的商品已由仓库发出，预计两天内送达，请保持手机畅通，"
        "收到后请当面验货，如有疑问请联系门店客服人员，感谢您的支持",
    ),
    "offer with a link": (
        "promotional",
        "【示例商城】尊敬的会员，您有一张满200减50元的券将于本月底到期，全场服饰鞋包家居均可使用，"
        "点击shop.example.com/c/123查看，拒收请回复R",
    ),
}
HOSTILE = {"a.": 60_000, "微信": 60_000, "1 ": 60_000, "http://": 60_000, "点com": 60_000, "【": 60_000}


def message(text: str, category: str) -> Message:
    """A message of the shipped account shop."""
    data_coding, octets = choose_encoding(text)
    pdu = SubmitSm(
        source_addr="10690001",
        destination_addr="8619912340001",
        data_coding=data_coding,
        short_message=octets,
    )
    return Message(1, "shop", "Example Shop", "1", 0, pdu, category, 1, 2**50)


def in_turn(text: str) -> Iterator[str]:
    """The text, and one that differs in a character: the last text that was judged is remembered."""
    return cycle((text, text.translate(str.maketrans("周3两", "本4三"))))


def judged(chain: Chain, texts: Iterator[str], category: str) -> object:
    """The judgement of a message that says another thing than the one before."""
    return chain.judge(message(next(texts), category), NOW)


def main() -> None:
    print(machine())
    generation = load(ROOT / "config", {})
    began = perf_counter()
    filters = {name: each for name, each in make_filters(generation).items() if name not in PEOPLE}
    print(f"made in {perf_counter() - began:.2f} s: {', '.join(filters)}\n")
    shop = generation.accounts["shop"]
    totals = {}
    for title, (category, text) in TEXTS.items():
        modes = {name: shop.filter_mode(name, category, generation.filters) for name in filters}
        chain = Chain(tuple((filters[name], Mode(mode)) for name, mode in modes.items() if mode != "off"))
        said = chain.judge(message(text, category), NOW).verdict.action.value
        texts = in_turn(text)
        whole = microseconds(
            lambda texts=texts, category=category, chain=chain: judged(chain, texts, category)
        )
        made = microseconds(lambda text=text, category=category: message(text, category).text)
        totals[title] = whole - made
        size = f"{title}, {len(text)} characters"
        print(f"{size}: {whole - made:.1f} µs, {said} ({made:.1f} µs more to make and read the message)")
        ones = cycle([message(one, category) for one in (next(texts), next(texts))])
        for name, each in filters.items():
            alone = microseconds(lambda each=each, ones=ones: each.judge(next(ones), NOW))
            print(f"    {name:<12} {alone:6.2f}")
    print()
    for unit, octets in HOSTILE.items():
        one = message(unit * (octets // len(unit)), "promotional")
        began = perf_counter()
        chain.judge(one, NOW)
        print(f"{octets} characters of {unit!r}: {(perf_counter() - began) * 1000:.1f} ms")
    pattern = parse_pattern("".join(f"{{v{n}:text(1000)}}a" for n in range(20)))
    began = perf_counter()
    pattern.matches("a" * pattern.longest)
    print(f"a template of twenty free texts: {(perf_counter() - began) * 1000:.1f} ms")
    sys.exit(max(totals.values()) > 25)


if __name__ == "__main__":
    main()
