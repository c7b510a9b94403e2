"""A routing decision over 100,000 prefixes and 500 rules; what the tables take, and what a reload holds up.

The rules are such that at most ten remain of them after account, category and prefix.
"""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle, repeat
from random import Random
from statistics import median
from time import perf_counter, process_time, sleep, thread_time
from typing import Any

from timing import machine

from gateway.message import Message
from gateway.routing.choosing import Health, View
from gateway.routing.places import Places
from gateway.routing.router import Router
from gateway.settings.models import Account
from gateway.settings.routing import Route, Routing
from gateway.settings.tables import Tables, read_table
from gateway.smpp.pdus import SubmitSm

PREFIXES, RULES, REGIONS, ACCOUNTS = 100_000, 500, 2_000, 25
CATEGORIES = ("otp", "transactional", "service", "promotional")
CARRIERS = ("alpha", "beta", "gamma")
CHOICES = ("order", "weight", "turn", "load", "quality", "cost")


def prefixes(count: int) -> list[str]:
    """Prefixes of 5 to 9 digits."""
    random = Random(7)
    found: set[str] = set()
    while len(found) < count:
        found.add(
            str(random.randrange(1, 10)) + "".join(random.choices("0123456789", k=random.randrange(4, 9)))
        )
    return sorted(found)


def csv(heading: str, lines: list[str]) -> bytes:
    """A table."""
    return "\n".join([heading, *lines, ""]).encode()


def texts(known: list[str], seed: int = 1) -> dict[str, bytes]:
    """The tables as files."""
    random = Random(seed)
    regions = csv("prefix,region", [f"{each},zone{random.randrange(REGIONS)}" for each in known])
    prices = csv(
        "prefix,price,currency,from",
        [
            f"{each},{random.randrange(1, 900) / 10000},EUR,2026-0{random.randrange(1, 9)}-01"
            for each in known
        ],
    )
    return {"regions": regions, "prices": prices}


def routing(choose: str, by: str, known: list[str]) -> Routing:
    """500 rules: each for some accounts, a category, and 20 regions or 200 prefixes of its own; one in five
    looks at the text or the clock too.
    """
    random = Random(3)
    routes = []
    for at in range(RULES - 1):
        match: dict[str, object] = {
            "account": [f"a{at % ACCOUNTS}", f"a{(at + 7) % ACCOUNTS}"],
            "category": [CATEGORIES[at % 4]],
        }
        if by == "region":
            match["region"] = [f"zone{random.randrange(REGIONS)}" for _ in range(20)]
        else:
            match["destination"] = known[at * 200 : at * 200 + 200]
        if at % 5 == 0:
            match["words"] = ["code"]
        routes.append(Route.model_construct(name=f"r{at}", match=_match(match), **_choice(choose)))
    routes.append(Route.model_validate({"name": "rest", **_choice(choose)}))
    return Routing.model_construct(routes=tuple(routes))


def _choice(choose: str) -> dict[str, Any]:
    return {"choose": choose, "carriers": CARRIERS}


def _match(match: dict[str, object]) -> object:
    return Route.model_validate({"name": "x", "match": match, "carriers": ["alpha"]}).match


SAID = (
    "",
    ". Do not tell it to anybody, we never ask for it.",
    ". It is good for ten minutes. " + "Ask us at the counter if you did not want it. " * 2,
)
"""What stands behind a code: texts of 20, 70 and 140 characters."""


def messages(
    known: list[str], count: int = 20_000, text: Callable[[], str] = lambda: "your code 1234"
) -> Callable[[], Message]:
    """Gives one after the other of messages to numbers of all prefixes."""
    random = Random(5)
    made = [
        Message(
            id=at,
            account=f"a{random.randrange(ACCOUNTS)}",
            tenant="T",
            client_id="1",
            accepted_at=0,
            pdu=SubmitSm(
                source_addr="10690001",
                destination_addr=(random.choice(known) + "0123456789")[:13],
                short_message=text().encode(),
            ),
            category=random.choice(CATEGORIES),
            generation=1,
            expires_at=1,
        )
        for at in range(count)
    ]
    return cycle(made).__next__


def remaining(router: Router, message: Message) -> int:
    """How many rules are left when all has been looked up."""
    left = router._remaining(message)
    return sum(len({rule.name for _, rule in worded}) + (last is not None) for worded, last in left)


def decisions(known: list[str], tables: Tables) -> None:
    """What one decision takes."""
    accounts = {f"a{at}": Account.model_validate({"tenant": "T", "password": "x"}) for at in range(ACCOUNTS)}
    give = messages(known)
    print(f"{cpu(give):9.3f} us  (the loop itself)")
    for by in ("destination", "region"):
        start = process_time()
        router = Router((), routing("order", by, known), tables, accounts)
        took = (process_time() - start) * 1000
        most = max(remaining(router, give()) for _ in range(20_000))
        spent = cpu(partial(_choose, router, give))
        print(f"{spent:9.3f} us  a rule by account, category, {by}; at most {most} left")
        print(f"{took:9.1f} ms  compiling these {RULES} rules")
    for choose, by in [*((each, "region") for each in CHOICES), ("cost", "destination")]:
        router = Router((), routing(choose, by, known), tables, accounts)
        spent = cpu(partial(_decide, router, give))
        again = cpu(partial(_decide, router, repeat(give()).__next__))
        whole = f"the whole decision: a rule by account, category, {by}, a carrier by {choose}, its price"
        print(f"{spent:9.3f} us  {whole}")
        print(f"{again:9.3f} us  the same for one number again and again", flush=True)
    crowded(known, tables, accounts)


CONDITIONS: dict[str, Callable[[int], dict[str, object]]] = {
    "words": lambda at: {"words": [f"word{at}", f"last {at} hours"]},
    "source": lambda at: {"source": [f"1068{at}*"]},
    "segments": lambda at: {"segments": {"least": at + 2}},
    "hours": lambda at: {"hours": [{"since": f"0{at}:00", "until": f"0{at}:30", "zone": "Asia/Shanghai"}]},
    "dates": lambda at: {"dates": [{"since": f"2019-01-0{at + 1}", "until": f"2019-02-0{at + 1}"}]},
    "script": lambda at: {"script": ["thai"]},
    "text": lambda at: {"text": f"^code {at}"},
}
"""Matches that no text, sender and moment of this benchmark fits."""


def crowded(known: list[str], tables: Tables, accounts: Mapping[str, Account]) -> None:
    """Ten rules that account, category and prefix leave; nine want what the message has not. Each message has
    a text of its own.
    """
    random = Random(11)
    give = messages(known, text=lambda: f"your code {random.randrange(10**9)}" + random.choice(SAID))
    for name, wanted in CONDITIONS.items():
        routes = [
            Route.model_validate({"name": f"r{at}", "match": wanted(at), **_choice("cost")})
            for at in range(9)
        ]
        routes.append(Route.model_validate({"name": "rest", **_choice("cost")}))
        router = Router((), Routing.model_construct(routes=tuple(routes)), tables, accounts)
        spent = cpu(partial(_decide, router, give))
        print(f"{spent:9.3f} us  the whole decision, nine rules passed over for their {name}, the cheapest")


def cpu(call: Callable[[], object], loops: int = 20_000, best_of: int = 5, runs: int = 3) -> float:
    """Microseconds of CPU a call: as `microseconds`, and not fooled by others on the same machine."""
    bests = []
    for _ in range(runs):
        times = []
        for _ in range(best_of):
            start = process_time()
            for _ in range(loops):
                call()
            times.append(process_time() - start)
        bests.append(min(times))
    return median(bests) / loops * 1e6


def _choose(router: Router, give: Callable[[], Message]) -> None:
    router.choose(give(), 1.79e9)


VIEW = View(lambda name: Health.READY, now=lambda: 1.79e9)


def _decide(router: Router, give: Callable[[], Message]) -> None:
    message = give()
    rule = router.choose(message, 1.79e9)
    if rule is not None:
        router.chooser.pick(rule.choice, message.destination, VIEW)


def memory(files: dict[str, bytes], tables: Tables) -> None:
    """What the tables take, and the places that are made of all of them."""
    tracemalloc.start()
    places = Places(tables, frozenset(), {"EUR": 1.0})
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"{size / 1e6:9.1f} MB  the places of {1 + len(tables.prices)} tables", flush=True)
    del places
    for kind, octets in files.items():
        tracemalloc.start()
        table, _ = read_table(kind, octets)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        print(f"{size / 1e6:9.1f} MB  {len(table):,} prefixes of {kind}", flush=True)
        del table


def reload(known: list[str]) -> None:
    """Changed tables, read in a thread while this one stands for the reactor; then the same again."""
    for title, files in (("changed", texts(known, 2)), ("unchanged", texts(known, 2))):
        done: list[Tables] = []
        spent: list[float] = []

        def read(
            files: dict[str, bytes] = files, done: list[Tables] = done, spent: list[float] = spent
        ) -> None:
            start = thread_time()
            made = {kind: read_table(kind, octets)[0] for kind, octets in files.items()}
            done.append(Tables(regions=made["regions"], prices=dict.fromkeys(CARRIERS, made["prices"])))
            spent.append(thread_time() - start)

        thread = threading.Thread(target=read)
        start = longest = last = perf_counter()
        longest = 0.0
        thread.start()
        while thread.is_alive():
            sleep(0.0005)
            now = perf_counter()
            longest, last = max(longest, now - last), now
        took = perf_counter() - start
        print(
            f"{took * 1000:9.1f} ms  reading {title} tables ({spent[0] * 1000:.0f} ms of CPU), "
            f"longest stall {longest * 1000:.1f} ms"
        )
        keep.append(done[0])


keep: list[Tables] = []

if __name__ == "__main__":
    print(machine())
    known = prefixes(int(sys.argv[1]) if len(sys.argv) > 1 else PREFIXES)
    files = texts(known)
    regions = read_table("regions", files["regions"])[0]
    prices = {name: read_table("prices", texts(known, at)["prices"])[0] for at, name in enumerate(CARRIERS)}
    tables = Tables(regions=regions, prices=prices)
    memory(texts(known, 9), tables)
    gc.freeze()
    decisions(known, tables)
    reload(known)
