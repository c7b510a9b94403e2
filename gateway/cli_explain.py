"""What `gateway explain` tells of a message that nobody has sent."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from gateway.asking import Unreachable, ask
from gateway.explain import DryRun, moment
from gateway.filters.catalogue import make_filters
from gateway.relay.clocks import Clocks
from gateway.relay.templating import learn_edits
from gateway.settings.files import load_node
from gateway.settings.load import load
from gateway.stored import Unreadable, store_of

Document = dict[str, Any]


class CannotExplain(Exception):
    """The message cannot be, or was not understood."""


def explained(
    config: Path,
    account: str,
    source: str,
    to: str,
    text: str,
    *,
    look: bool = False,
    at: float | None = None,
) -> Document:
    """Asked of the running node, or decided by the files where none runs; `at` is unix seconds, or None: now.

    Raises CannotExplain, SettingsError, and ValueError with what is wrong in lists.
    """
    asked = {"account": account, "from": source, "to": to, "text": text, "ask": look, "at": at}
    try:
        code, document = ask(load_node(config, os.environ), "POST", "explain", asked)
    except Unreachable:
        if look:
            raise CannotExplain("only a running gateway asks outside services, and none answers") from None
        return by_files(config, account, source, to, text, at)
    if code != 200:
        raise CannotExplain("; ".join(document.get("problems", ("the gateway does not explain",))))
    return {"by": "the running gateway", **_told_at(at), **document}


def by_files(
    config: Path, account: str, source: str, to: str, text: str, at: float | None = None
) -> Document:
    """Decided by the files; what only a node knows, the health of carriers above all, is not known."""
    generation = load(config, os.environ)
    filters = make_filters(generation)
    with suppress(Unreadable), store_of(generation.node, config) as connection:
        learn_edits(connection, filters)
    run = DryRun(generation, filters, None if at is None else Clocks(Clock(), lambda: at))
    try:
        told = run.explain(account, source, to, text)
        return {"by": f"the files in {config}; no gateway runs", **_told_at(at), **told}
    except ValueError as error:
        raise CannotExplain(str(error)) from None


def _told_at(at: float | None) -> Document:
    return {} if at is None else {"at": moment(at)}


def tell_explained(document: Document) -> None:
    """A dry run for people."""
    at = f", as of {document['at']}" if "at" in document else ""
    print(f"by {document['by']}, generation {document['generation']}{at}; nothing was sent")
    if at:
        print("  what is known of people, counts and carriers is that of now")
    print(
        f"{document['account']}, {document['from']} -> {document['to']}: {document['segments']} segment(s), "
        f"{document['coding']}, {'+'.join(map(str, document['octets']))} octets"
    )
    if "views" in document:
        print(f"  category  {document['category']}")
        print(f"  read as   {document['text']!r}")
        for name, view in document["views"].items():
            print(f"  view {name}    {view!r}")
    for word in document.get("filters", ()):
        _word(word)
    for known in document.get("lookups", ()):
        print(f"  look-up   {known['service']}: {known['answer']}")
    if document.get("route"):
        _route(document["route"])
    for shadow in document.get("shadow_routes", ()):
        where = f"{shadow['name']!r} ({shadow['place']}, shadow: recorded only)"
        print(f"            {where} would send it by {shadow['carrier'] or 'nobody'}")
    print(f"  verdict   {document['verdict']}")
    client = document["client"]
    seen = [client["response"], *(client[key] for key in ("receipt", "reason") if key in client)]
    seen += [f"state {client['state']}"] if "state" in client else []
    seen += [f"leaves {client['leaves']}"] if "leaves" in client else []
    print(f"  client    {', '.join(seen)}")
    by = document.get("shown_for", "carrier")
    for pdu in document.get("carrier", ()):
        fields = " ".join(f"{name}={value}" for name, value in pdu.items() if name != "command")
        print(f"  {by:<9} {pdu.get('command', 'submit_sm')} {fields}")
    if unfit := document.get("unfit"):
        print(f"  {by:<9} cannot be given it: {unfit['why']} ({unfit['status']}); it would end REJECTD")


def _word(word: Document) -> None:
    said = f"  {word['filter']:<9} {word['action']}"
    if word["mode"] != "enforce":
        said += f" ({word['mode']}: recorded only)"
    if word.get("reason"):
        said += f", {word['reason']}"
    if word.get("rule"):
        said += f", by rule {word['rule']!r}" + (f" ({word['place']})" if word["place"] else "")
    print(said)
    for name in ("detail", "until"):
        if word.get(name):
            print(f"            {'until ' if name == 'until' else ''}{word[name]}")


def _route(route: Document) -> None:
    prices = route["prices"]
    asked = ", ".join(f"{name} at {prices[name]}" if name in prices else name for name in route["carriers"])
    print(f"  route     {route['name']!r} ({route['place']}), by {route['choose']}: {asked}")
    if not route["health_known"]:
        print("            which of them are up only a running gateway knows")
        return
    for name, why in route["passed"].items():
        print(f"            {name} is passed over: {why}")
    price = prices.get(route["carrier"])
    cost = f" at {price} a segment, {route['segments']} in all" if price else ""
    print(f"            {route['carrier'] or 'nobody'} would take it now{cost}")
