"""What may be asked of a running node about its traffic: POST with JSON, below /traffic.

list    {}
pause, drain, reroute, purge
        {"account", "tenant", "program", "carrier", "category", "prefix", "refuse", "carriers", "note", "act"}
resume  the same, or {"id"}

Without "act" nothing is done: the answer says what would be hit.
"""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from twisted.web.resource import Resource

from gateway.control.operator import OPERATOR
from gateway.control.people import Command, Document, Handler, Unfit
from gateway.filters.directives import Directive, Part, Verb
from gateway.relay.node import Relay
from gateway.relay.steering import Found
from gateway.relay.webhooks import moment
from gateway.settings.scalars import Category
from gateway.store.rows import State, StoreUnavailable

LONGEST_PREFIX = 10
"""Digits; a whole number would be a person's: that is what lists are for."""


class SteeringCommands:
    """Does what is asked about traffic."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.steering = relay.steering

    def site(self) -> Resource:
        """Everything below /traffic."""
        root = Resource()
        handlers: dict[str, Handler] = {verb.value: partial(self.give, verb) for verb in Verb}
        for name, handler in {**handlers, "list": self.list, "resume": self.resume}.items():
            command: Any = Command(handler)
            root.putChild(name.encode(), command)
        return root

    async def list(self, asked: Document) -> Document:
        """The directives in force."""
        return {"directives": in_force(self.relay)}

    async def give(self, verb: Verb, asked: Document) -> Document:
        """What a directive would hit; with `act` it is put in force."""
        part = self._part(asked)
        to = self._carriers(asked, part) if verb is Verb.REROUTE else ()
        refuse = str(asked.get("refuse") or ("temporary" if verb is Verb.DRAIN else ""))
        if refuse not in ("", "temporary", "permanent"):
            raise Unfit("refuse is temporary or permanent")
        if refuse and part.carrier and verb is Verb.PAUSE:
            raise Unfit("what a carrier is not to get cannot be refused: it waits, or goes by another")
        if verb is Verb.DRAIN and part.carrier and part != Part(carrier=part.carrier):
            raise Unfit("a carrier is drained whole; name an account or a program without it")
        found = await self._count(part)
        given: Document = {}
        if asked.get("act") is True:
            now, by, note = self.relay.clocks.now_ms(), asked[OPERATOR], str(asked.get("note") or "")
            directive = Directive(0, verb, part, now, by, note, refuse if verb is not Verb.PURGE else "", to)
            given = {"id": (await self.steering.give(directive)).id}
        return {"part": str(part), "acted": bool(given), **given, **self._shown(found)}

    async def resume(self, asked: Document) -> Document:
        """Take back what is in force for exactly this part of the traffic, or the directive of an id."""
        known = self.steering.directives.all
        id = asked.get("id")
        if isinstance(id, int) and not isinstance(id, bool):
            meant = [known[id]] if id in known else []
        else:
            part = self._part(asked, known=False)
            meant = [each for each in known.values() if each.part == part]
        if not meant:
            raise Unfit("nothing is in force for that: see `gateway traffic list`")
        if asked.get("act") is True:
            note = str(asked.get("note") or "")
            await self.steering.take_back([each.id for each in meant], asked[OPERATOR], note)
        found = await self._count(meant[0].part)
        ended = [shown(each) for each in meant]
        return {"resumed": ended, "acted": asked.get("act") is True, **self._shown(found)}

    async def _count(self, part: Part) -> Found:
        try:
            return await self.steering.count(part)
        except StoreUnavailable as error:
            raise Unfit(f"what waits cannot be counted: {error}") from None

    def _shown(self, found: Found) -> Document:
        now = self.relay.clocks.now_ms()
        groups = [
            {
                "account": group.account,
                "category": group.category,
                "state": State(group.state).name,
                "messages": group.messages,
                "oldest_seconds": max(0, now - group.oldest) // 1000,
            }
            for group in sorted(found.groups)
        ]
        return {
            "waiting": groups,
            "messages": sum(g.messages for g in found.groups),
            "all_counted": found.whole,
        }

    def _part(self, asked: Document, *, known: bool = True) -> Part:
        part = Part(*(str(asked.get(name) or "") for name in Part._fields))
        part = part._replace(prefix=part.prefix.removeprefix("+"))
        if part == Part():
            raise Unfit("name an account, tenant, program, carrier, category or the beginning of numbers")
        if part.prefix and not (part.prefix.isascii() and part.prefix.isdigit()):
            raise Unfit("the beginning of numbers is digits, with the calling code")
        if len(part.prefix) > LONGEST_PREFIX:
            raise Unfit(
                f"the beginning of numbers has {LONGEST_PREFIX} digits at most; for one person there "
                "is `gateway suppress`"
            )
        if known:
            self._check_names(part)
        return part

    def _check_names(self, part: Part) -> None:
        generation = self.relay.generation
        tenants = {account.tenant for account in generation.accounts.values()}
        names = (
            ("account", {account.name for account in self.relay.accounts}),
            ("tenant", tenants),
            ("carrier", {*generation.carriers}),
            ("category", {*get_args(Category)}),
            ("program", self._programs()),
        )
        for name, those in names:
            value = getattr(part, name)
            if value and value not in those:
                raise Unfit(f"there is no {name} '{value}': there are {', '.join(sorted(those)) or 'none'}")

    def _programs(self) -> set[str]:
        tenants = self.relay.generation.people.tenants.values()
        return {name for each in tenants for name in (*each.programs, each.program) if name}

    def _carriers(self, asked: Document, part: Part) -> tuple[str, ...]:
        wanted = asked.get("carriers")
        to = tuple(map(str, wanted)) if isinstance(wanted, list) else ()
        if not to:
            raise Unfit("name the carriers that are to take it")
        for name in to:
            self._check_names(Part(carrier=name))
        if part.carrier in to:
            raise Unfit(f"carrier {part.carrier} cannot take what is led away from it")
        return to


def shown(directive: Directive) -> dict[str, Any]:
    """A directive as data."""
    drained = directive.drained_at
    return {
        "id": directive.id,
        "verb": directive.verb.value,
        **{name: value for name, value in directive.part._asdict().items() if value},
        "since": moment(directive.at),
        "by": directive.by,
        "note": directive.note,
        **({"refuse": directive.refuse} if directive.refuse else {}),
        **({"carriers": list(directive.to)} if directive.to else {}),
        **({"drained": moment(drained)} if drained is not None else {}),
    }


def in_force(relay: Relay) -> list[dict[str, Any]]:
    """All directives of a node, as data."""
    return [shown(directive) for directive in relay.steering.directives.all.values()]
