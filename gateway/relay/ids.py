"""Message ids: monotone numbers out of durable blocks, and how they are written for clients."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gateway.store.ledger import Ledger

log = Logger(__name__)

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
V33_LENGTH = 8


class OutOfIds(Exception):
    """The block is used up and the store has not given the next one yet."""


class Ids:
    """Numbers that are never given twice, also across restarts: blocks are reserved in the store before
    their use.
    """

    def __init__(self, ledger: Ledger, name: str, block: int = 100_000) -> None:
        self._ledger = ledger
        self._name = name
        self._block = block
        self._next = self._end = 0
        self._plenty = 0  # up to here there is nothing to see to
        self._spare: int | None = None
        self._asking = False

    async def start(self) -> None:
        """Reserve the first block."""
        self._begin(await self._ledger.reserve_ids(self._name, self._block))

    def take(self, count: int = 1) -> int:
        """The first of `count` numbers in a row. Raises OutOfIds while the store owes a block."""
        if self._next + count > self._plenty:
            self._provide(count)
        first = self._next
        self._next = first + count
        return first

    def _provide(self, count: int) -> None:
        """Begin the next block where this one has not as many any more, and have one in reserve."""
        if self._next + count > self._end:
            if self._spare is None:
                self._ask()
                raise OutOfIds(self._name)
            self._begin(self._spare)
            self._spare = None
        if self._spare is None and self._next + count > self._plenty:
            self._ask()

    def _begin(self, first: int) -> None:
        self._next, self._end = first, first + self._block
        self._plenty = self._end - self._block // 2

    def _ask(self) -> None:
        if not self._asking:
            self._asking = True
            Deferred.fromCoroutine(self._reserve())

    async def _reserve(self) -> None:
        try:
            self._spare = await self._ledger.reserve_ids(self._name, self._block)
            self._plenty = self._end
        except Exception:  # asked again by the next take
            log.failure("the store gave no new {name} ids", name=self._name)
        finally:
            self._asking = False


def base36(number: int) -> str:
    """The number in base 36, upper case."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def write_id(number: int, style: str, *, short: bool = False) -> str:
    """A message id for a client: decimal of ten digits (SMPP 3.4, Appendix B), hex or base36.

    `short` is for version 3.3, which has room for 8 characters: an id that is longer is written in base 36.
    """
    text = (
        str(number).zfill(10) if style == "decimal" else f"{number:08x}" if style == "hex" else base36(number)
    )
    return base36(number) if short and len(text) > V33_LENGTH else text


def read_id(text: str) -> tuple[int, ...]:
    """The numbers that a message id told by a client can mean; the stored row says which of them was
    meant.
    """
    numbers: list[int] = []
    for base in (10, 16, 36):
        try:
            number = int(text, base)
        except ValueError:
            continue
        if number not in numbers and 0 < number < 1 << 62:
            numbers.append(number)
    return tuple(numbers)
