"""The hash chain of a tenant's consent ledger: nothing in it can be changed, taken out or put in unseen.

What is chained is not the event but a salted commitment to it. To erase a person, the event's text and its
salt are deleted; the commitment stays, tells nothing without the salt, and the chain holds. What the store
keeps beside the event (the keyed hash of the number, its ciphertext) is not in the commitment, so keys can be
rotated.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import fields
from hashlib import blake2b
from typing import NamedTuple

from gateway.filters.consent import ConsentEvent

SALT = 16
"""Octets of a salt, from os.urandom."""

OCTETS = 32

_FIELDS = tuple(sorted(field.name for field in fields(ConsentEvent)))
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Link(NamedTuple):
    """What the chain keeps of one event. `position` counts from 1 in the tenant's ledger."""

    position: int
    recorded_at: int
    commitment: bytes
    hash: bytes


class Kept(NamedTuple):
    """A line of the ledger as stored; event and salt are None once erased."""

    link: Link
    event: ConsentEvent | None
    salt: bytes | None


class Flaw(NamedTuple):
    """Where a chain does not hold, and how."""

    position: int
    message: str


def genesis(tenant: str) -> Link:
    """The link before a tenant's first."""
    return Link(0, 0, b"", blake2b(tenant.encode(), digest_size=OCTETS, person=b"consent genesis").digest())


def text_of(event: ConsentEvent) -> str:
    """The event as JSON, always in the same octets: what is stored of it, and what is committed to."""
    return _encode({name: getattr(event, name) for name in _FIELDS})


class Form:
    """Events that differ in number, moments and evidence alone; what they have in common is `like` one of
    them. Their texts are made without the events.
    """

    __slots__ = ("_template", "like")

    def __init__(self, like: ConsentEvent) -> None:
        self.like = like
        fixed = {name: _encode(getattr(like, name)).replace("%", "%%") for name in _FIELDS}
        moments = {"expires_at": "%s", "occurred_at": "%d", "recorded_at": "%d"}
        fields = {**fixed, **moments, "evidence": "%s", "number": '"%s"'}
        self._template = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"

    def text(
        self, number: str, occurred_at: int, expires_at: int | None, evidence: str, recorded_at: int
    ) -> str:
        """What `text_of` makes of such an event. The digits and the moments are not looked at."""
        until = "null" if expires_at is None else expires_at
        return self._template % (_encode(evidence), until, number, occurred_at, recorded_at)


def commit(text: str, salt: bytes) -> bytes:
    """The commitment to an event's text. Raises ValueError for a salt of the wrong length."""
    if len(salt) != SALT:
        raise ValueError(f"a salt has {SALT} octets")
    return blake2b(text.encode(), digest_size=OCTETS, key=salt, person=b"consent event").digest()


def extend(last: Link, event: ConsentEvent, salt: bytes, text: str | None = None) -> Link:
    """The link of an event that follows `last` (or genesis). `text` is that of the event, if it is known."""
    commitment = commit(text_of(event) if text is None else text, salt)
    position = last.position + 1
    return Link(
        position, event.recorded_at, commitment, _hash(last.hash, position, event.recorded_at, commitment)
    )


def extend_all(last: Link, recorded_at: int, texts: Sequence[str], salts: Sequence[bytes]) -> list[Link]:
    """The links of events with these texts, that follow `last` one after the other."""
    links = []
    position, before = last.position, last.hash
    for text, salt in zip(texts, salts, strict=True):
        position += 1
        commitment = commit(text, salt)
        before = _hash(before, position, recorded_at, commitment)
        links.append(Link(position, recorded_at, commitment, before))
    return links


def verify(
    ledger: Iterable[Kept], start: Link, head: Link | None = None, erased: Container[int] | None = None
) -> Iterator[Flaw]:
    """Every flaw in a ledger, read in order from the line after `start` (genesis, or a link that is trusted).

    `head` is the last link as kept elsewhere: without it, lines missing at the end cannot be seen. `erased`
    are the lines that are on record as erased; None: nobody knows. Reads each line once, so the ledger may be
    longer than memory.
    """
    last = start
    for link, event, salt in ledger:
        if link.position != last.position + 1:
            yield Flaw(link.position, f"it follows {last.position}")
        if link.hash != _hash(last.hash, link.position, link.recorded_at, link.commitment):
            yield Flaw(link.position, "it does not follow from the line before")
        if (event is None) != (salt is None):
            yield Flaw(link.position, "it is half erased")
        elif event is None and erased is not None and link.position not in erased:
            yield Flaw(link.position, "it was erased, and that is not on record")
        if event is not None and salt is not None and not _matches(link, event, salt):
            yield Flaw(link.position, "the event is not the one that was recorded")
        last = link
    if head is not None and last != head:
        yield Flaw(last.position, f"the ledger ends here, and not with line {head.position} as kept")


def _matches(link: Link, event: ConsentEvent, salt: bytes) -> bool:
    return link.commitment == commit(text_of(event), salt) and link.recorded_at == event.recorded_at


def _hash(before: bytes, position: int, recorded_at: int, commitment: bytes) -> bytes:
    numbers = position.to_bytes(8, "big") + recorded_at.to_bytes(8, "big")
    return blake2b(before + numbers + commitment, digest_size=OCTETS, person=b"consent link").digest()
