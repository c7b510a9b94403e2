"""Addresses as one carrier wants them: how numbers are written, their TON and NPI, and which source is shown.

Pure. Numbers are brought into international form without + first, then written as the carrier's settings say.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.settings.rewriting import Numbers, Sources
from gateway.smpp.constants import CommandStatus

LONGEST = 20  # characters of an address of submit_sm, section 5.2.8
_BETWEEN = str.maketrans("", "", " -./()")


class Unfit(ValueError):
    """This carrier cannot be given the message; `status` is what it would have answered."""

    def __init__(self, said: str, status: int = CommandStatus.ESME_RSUBMITFAIL) -> None:
        super().__init__(said)
        self.status = status


class Address(NamedTuple):
    ton: int
    npi: int
    number: str


class Writer:
    """Writes numbers by one set of rules."""

    def __init__(self, rules: Numbers) -> None:
        self.rules = rules
        self._replace = _longest_first(rules.replace)
        self.idle = rules == type(rules)()

    def write(self, address: Address) -> Address:
        """The address as the carrier wants it. Raises Unfit."""
        ton, npi, written = address
        if not _is_number(written):
            return self._typed(written, 5, 0, ton, npi)
        number = self._international(written, ton)
        if len(number) <= self.rules.short:
            return self._typed(written if self.rules.form == "kept" else number, 3, 0, ton, npi)
        for beginning in self._replace:
            if number.startswith(beginning):
                number = self.rules.replace[beginning] + number[len(beginning) :]
                return self._typed(_fitting(number), 1, 1, ton, npi)
        if any(number.startswith(beginning) for beginning in self.rules.keep):
            return self._typed(written, 1, 1, ton, npi)
        return self._typed(*self._formed(written, number), 1, ton, npi)

    def international(self, number: str) -> str:
        """A number in international form without +."""
        return self._international(number, 1)

    def handset(self, number: str, ton: int) -> tuple[str, int]:
        """The number of a handset that writes, and its type: in international form where the carrier is known
        to tell it as dialled in a country.
        """
        country, trunk, form = self.rules.country, self.rules.trunk, self.rules.form
        plain = number.translate(_BETWEEN)
        if not country or len(plain) <= self.rules.short or plain.startswith(("+", "00")):
            return number, ton
        if trunk and plain.startswith(trunk):
            return country + plain[len(trunk) :], 1
        if not plain.startswith(country) and (ton == 2 or form == "national"):
            return country + plain, 1
        return number, ton

    def _formed(self, written: str, number: str) -> tuple[str, int]:
        """The number in the form that is wanted, and its type."""
        rules = self.rules
        if rules.form == "kept":
            return written, 1
        if rules.form == "plus":
            return _fitting(f"+{number}"), 1
        if rules.form == "zeros":
            return _fitting(f"00{number}"), 1
        if rules.form == "national" and rules.country and number.startswith(rules.country):
            return rules.trunk + number[len(rules.country) :], 2
        return number, 1

    def _typed(self, written: str, by_ton: int, by_npi: int, ton: int, npi: int) -> Address:
        rules = self.rules
        if rules.ton is not None:
            ton = by_ton if rules.ton == "by_form" else rules.ton
        if rules.npi is not None:
            npi = by_npi if rules.npi == "by_form" else rules.npi
        return Address(ton, npi, written)

    def _international(self, written: str, ton: int) -> str:
        number = written.translate(_BETWEEN)
        if number.startswith("+"):
            return number[1:]
        if number.startswith("00"):
            return number[2:]
        rules = self.rules
        if not rules.country or len(number) <= rules.short:
            return number
        if rules.trunk and number.startswith(rules.trunk):
            return rules.country + number[len(rules.trunk) :]
        return rules.country + number if ton == 2 else number


class SourceWriter:
    """Writes source addresses, and chooses them where the carrier takes only some."""

    def __init__(self, rules: Sources) -> None:
        self.rules = rules
        self.writer = Writer(rules)
        self.idle = rules == Sources()
        self._pools = _longest_first(rules.pools)

    def write(self, address: Address, destination: str) -> Address:
        """The source for a message to `destination`, in international form without +. Raises Unfit."""
        for beginning in self._pools:
            if destination.startswith(beginning):
                pool = self.rules.pools[beginning]
                number = pool[zlib.crc32(destination.encode("latin-1", "replace")) % len(pool)]
                return self.writer.write(_of(number))
        if not _is_number(address.number) and self.rules.names != "kept":
            if self.rules.names == "refused":
                raise Unfit("the carrier takes no names as source", CommandStatus.ESME_RINVSRCADR)
            return self.writer.write(_of(self.rules.names))
        return self.writer.write(address)


def _of(number: str) -> Address:
    """An address out of the configuration, typed by its form."""
    return Address(1, 1, number) if _is_number(number) else Address(5, 0, number)


def _is_number(written: str) -> bool:
    plain = written.translate(_BETWEEN).removeprefix("+")
    return (plain.isascii() and plain.isdigit()) or not written


def _fitting(number: str) -> str:
    if len(number) > LONGEST:
        raise Unfit(f"an address of {len(number)} characters is too long", CommandStatus.ESME_RINVDSTADR)
    return number


def _longest_first(beginnings: Mapping[str, object] | Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(beginnings, key=len, reverse=True))
